//! How often what happened in stories, so that a run of them in which something never did is noticed.
//! What makes it happen is the story's.

use std::fmt;

/// Something that happens in stories, or comes of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Devices that were let in.
    Joins,
    /// Words written into the page.
    Edits,
    /// Words said in the channel.
    Messages,
    /// Engines that stopped between two inputs.
    Crashes,
    /// Engines that stopped between two outputs.
    CrashesMidOutput,
    /// Devices that were cut off.
    Partitions,
    /// How often the relay stopped.
    RelayOutages,
    /// Messages on links that were lost, doubled or swapped.
    Faults,
    /// Bytes through the pipe.
    Piped,
    /// Items in mailboxes.
    Items,
    /// Members who were removed.
    Removals,
    /// Stores that were under way at a crash, and lost.
    LostStores,
    /// Profiles that went back to a backup.
    Rollbacks,
    /// Records in which a bit was another.
    FlippedBits,
    /// Words that were on one disk only when it forgot them. A story may well have none.
    ForgottenWords,
    /// Words that their author's disk forgot and others brought back.
    WordsBroughtBack,
    /// Members who lost the record of their own admission to a flipped bit. A story may well have none.
    Stranded,
    /// Workspaces of which others have brought back what was damaged, so that it needs not be set aside.
    Mended,
    /// Transactions that a disk said were done and forgot when the power failed, all from one on.
    ForgottenEnds,
    /// The same, of disks that forget any that they have not flushed.
    ForgottenAnywhere,
    /// Clocks that were set.
    ClockJumps,
    /// Removals by two managers who did not know of each other's.
    ConcurrentRemovals,
    /// Those of them by a manager who was being removed, so that it does not count.
    VainRemovals,
    /// Frames that a hostile relay kept.
    FramesDropped,
    /// Frames that it sent twice.
    FramesReplayed,
    /// Frames that it sent after later ones.
    FramesHeldBack,
    /// Frames in which it flipped a bit.
    FramesCorrupted,
    /// Items in mailboxes that it changed, moved or doubled.
    SpoiltMail,
    /// Second batches at places of chains that a modified client brought others.
    Siblings,
    /// Places of chains at which the founder has two batches in the end.
    Equivocations,
    /// Changes that are small and large inside, brought to others.
    Bombs,
    /// Batches on what does not exist.
    Orphans,
    /// Changes with another's actor.
    Foreigners,
    /// Batches that do not know of what was done about their author.
    Backdated,
    /// Batches in the name of another device.
    InAnothersName,
    /// Batches that came with a bad signature first.
    BadSignatures,
    /// Honest words that built on what was overruled, and are held. A story may well have none.
    HeldWords,
    /// Words of removed members that the others have not taken in. A story may well have none.
    CutWords,
    /// Devices that were let in by a link while nobody else was reachable.
    LetThemselvesIn,
    /// Digests that were kept.
    Digests,
    /// Engines that started with one.
    Resumed,
}

impl Kind {
    /// Each of them, with its name, in the order of the declaration.
    const ALL: [(Self, &'static str); 41] = [
        (Self::Joins, "joins"),
        (Self::Edits, "edits"),
        (Self::Messages, "messages"),
        (Self::Crashes, "crashes"),
        (Self::CrashesMidOutput, "crashes mid-output"),
        (Self::Partitions, "partitions"),
        (Self::RelayOutages, "relay outages"),
        (Self::Faults, "faults"),
        (Self::Piped, "bytes through the pipe"),
        (Self::Items, "items in mailboxes"),
        (Self::Removals, "removals"),
        (Self::LostStores, "stores lost in crashes"),
        (Self::Rollbacks, "rollbacks"),
        (Self::FlippedBits, "flipped bits"),
        (Self::ForgottenWords, "words forgotten by disks"),
        (Self::WordsBroughtBack, "words brought back to them"),
        (Self::Stranded, "members stranded by them"),
        (Self::Mended, "workspaces mended by others"),
        (Self::ForgottenEnds, "transactions forgotten from one on"),
        (Self::ForgottenAnywhere, "transactions forgotten anywhere"),
        (Self::ClockJumps, "clocks set"),
        (Self::ConcurrentRemovals, "concurrent removals"),
        (Self::VainRemovals, "removals in vain"),
        (Self::FramesDropped, "frames dropped by the relay"),
        (Self::FramesReplayed, "replayed"),
        (Self::FramesHeldBack, "held back"),
        (Self::FramesCorrupted, "corrupted"),
        (Self::SpoiltMail, "items of mail spoilt"),
        (Self::Siblings, "second batches"),
        (Self::Equivocations, "equivocations that took effect"),
        (Self::Bombs, "bombs"),
        (Self::Orphans, "orphans"),
        (Self::Foreigners, "forged actors"),
        (Self::Backdated, "backdated batches"),
        (Self::InAnothersName, "batches in another's name"),
        (Self::BadSignatures, "bad signatures"),
        (Self::HeldWords, "honest words held"),
        (Self::CutWords, "words of removed members left out"),
        (Self::LetThemselvesIn, "joins with nobody online"),
        (Self::Digests, "digests kept"),
        (Self::Resumed, "starts with one"),
    ];
}

/// How often what happened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Counts {
    /// How many stories they are of.
    pub stories: usize,
    /// How many events were drawn in them.
    pub events: usize,
    of: [usize; Kind::ALL.len()],
}

impl Default for Counts {
    fn default() -> Self {
        Self {
            stories: 0,
            events: 0,
            of: [0; Kind::ALL.len()],
        }
    }
}

impl Counts {
    /// It happened so many times more.
    pub fn count(&mut self, kind: Kind, times: usize) {
        self.of[kind as usize] += times;
    }

    /// How often it happened.
    pub fn of(&self, kind: Kind) -> usize {
        self.of[kind as usize]
    }

    /// Adds other stories'.
    pub fn add(&mut self, other: &Self) {
        self.stories += other.stories;
        self.events += other.events;
        for (kind, _) in Kind::ALL {
            self.count(kind, other.of(kind));
        }
    }

    /// What has never happened, of that which must.
    pub fn missing(&self) -> Vec<&'static str> {
        let need_not = [
            Kind::CutWords,
            Kind::HeldWords,
            Kind::ForgottenWords,
            Kind::Stranded,
        ];
        let never = |(kind, _): &(Kind, _)| !need_not.contains(kind) && self.of(*kind) == 0;
        let all = Kind::ALL.into_iter();
        all.filter(never).map(|(_, name)| name).collect()
    }
}

impl fmt::Display for Counts {
    /// One line.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} stories of {} events", self.stories, self.events)?;
        for (kind, name) in Kind::ALL {
            write!(f, ", {} {name}", self.of(kind))?;
        }
        Ok(())
    }
}
