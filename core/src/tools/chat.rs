//! Chat: one channel as an automerge list of messages.
//!
//! A message is a map with `text` and `time`, and its name is the operation that put it there. Whose it
//! is follows from that operation's actor, not from what the message says. Messages that are not of
//! this shape are not shown.

use automerge::transaction::Transactable;
use automerge::{ActorId, AutoCommit, ObjId, ObjType, ROOT, ReadDoc, ScalarValue, Value};
use bocage_api::MessageId;
use bocage_api::chat::MESSAGE_MAX_UNITS;
use bocage_api::delta::utf16_len;

use crate::chains::Copy;
use crate::object::DeviceId;
use crate::text_document::{NotTaken, apply, commit, empty, resume, save};

/// Where the messages are in the document.
const MESSAGES: &str = "messages";

const TEXT: &str = "text";
const TIME: &str = "time";

/// A channel.
pub(crate) struct Channel {
    document: AutoCommit,
    messages: Vec<Message>,
}

/// A message as it is in the document.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Message {
    pub(crate) id: MessageId,
    /// The actor that wrote it.
    pub(crate) actor: [u8; 16],
    /// The number of the operation that put it there.
    pub(crate) operation: u64,
    pub(crate) text: String,
    pub(crate) time: u64,
}

impl Channel {
    /// Opens a channel from what its document has.
    pub(crate) fn open<'a>(actor: [u8; 16], changes: impl IntoIterator<Item = &'a [u8]>) -> Self {
        let mut document = empty(actor);
        // As for pages: what counts has passed every check.
        let _ = apply(&mut document, changes);
        let messages = read(&document);
        Self { document, messages }
    }

    /// Opens a channel from what its document was once, and what came since. `None` if that makes no document.
    pub(crate) fn resume<'a>(
        actor: [u8; 16],
        saved: &[u8],
        since: impl IntoIterator<Item = &'a [u8]>,
    ) -> Option<Self> {
        let document = resume(actor, saved, since)?;
        let messages = read(&document);
        Some(Self { document, messages })
    }

    /// The document as it is, to be opened from later.
    pub(crate) fn save(&mut self) -> Vec<u8> {
        save(&mut self.document)
    }

    /// The first change of a channel: made once, by whoever makes the channel.
    pub(crate) fn begin(actor: [u8; 16]) -> Result<Vec<u8>, NotTaken> {
        let mut document = empty(actor);
        document
            .put_object(ROOT, MESSAGES, ObjType::List)
            .map_err(|_| NotTaken)?;
        commit(&mut document)
    }

    /// Whether there is a list to write in yet.
    pub(crate) fn has_messages(&self) -> bool {
        list(&self.document).is_some()
    }

    /// Goes on as another actor.
    pub(crate) fn set_actor(&mut self, actor: [u8; 16]) {
        self.document.set_actor(ActorId::from(actor));
    }

    /// The messages in their order.
    pub(crate) fn messages(&self) -> &[Message] {
        &self.messages
    }

    /// Puts a message at the end. Returns automerge's change.
    pub(crate) fn say(&mut self, text: &str, time: u64) -> Result<Vec<u8>, NotTaken> {
        let list = list(&self.document).ok_or(NotTaken)?;
        let end = self.document.length(&list);
        let message = self
            .document
            .insert_object(&list, end, ObjType::Map)
            .map_err(|_| NotTaken)?;
        let time = i64::try_from(time).unwrap_or(i64::MAX);
        self.document
            .put(&message, TEXT, text)
            .and_then(|()| {
                self.document
                    .put(&message, TIME, ScalarValue::Timestamp(time))
            })
            .map_err(|_| NotTaken)?;
        let change = commit(&mut self.document)?;
        self.messages.extend(read_one(&self.document, &message));
        Ok(change)
    }

    /// The messages of a copy of a channel that were left out, and who wrote each.
    pub(crate) fn left_out(copy: &Copy<'_>) -> Vec<(DeviceId, String)> {
        let messages = Self::open([0; 16], copy.changes()).messages.into_iter();
        let left_out = messages.filter_map(|message| {
            let by = copy.left_out_by(message.operation, &message.actor)?;
            Some((by, message.text))
        });
        left_out.collect()
    }

    /// Takes in what others wrote.
    pub(crate) fn take_in<'a>(&mut self, changes: impl IntoIterator<Item = &'a [u8]>) {
        if apply(&mut self.document, changes).is_ok() {
            self.messages = read(&self.document);
        }
    }
}

/// Whether a text is one that people may send.
pub(crate) fn is_message(text: &str) -> bool {
    !text.trim().is_empty() && utf16_len(text) <= MESSAGE_MAX_UNITS
}

fn list(document: &AutoCommit) -> Option<ObjId> {
    match document.get(ROOT, MESSAGES).ok()? {
        Some((Value::Object(ObjType::List), list)) => Some(list),
        _ => None,
    }
}

fn read(document: &AutoCommit) -> Vec<Message> {
    let Some(list) = list(document) else {
        return Vec::new();
    };
    let all = document.list_range(&list, ..);
    all.filter_map(|item| read_one(document, &item.id()))
        .collect()
}

fn read_one(document: &AutoCommit, message: &ObjId) -> Option<Message> {
    let ObjId::Id(operation, actor, _) = message else {
        return None;
    };
    let text = match document.get(message, TEXT).ok()?? {
        (Value::Scalar(scalar), _) => scalar.as_str()?.to_owned(),
        (Value::Object(_), _) => return None,
    };
    let time = match document.get(message, TIME).ok()?? {
        (Value::Scalar(scalar), _) => {
            let ScalarValue::Timestamp(time) = scalar.as_ref() else {
                return None;
            };
            u64::try_from(*time).unwrap_or(0)
        }
        (Value::Object(_), _) => return None,
    };
    let actor: [u8; 16] = actor.to_bytes().try_into().ok()?;
    let mut id = [0; MessageId::LEN];
    for (slot, byte) in id
        .iter_mut()
        .zip(actor.into_iter().chain(operation.to_be_bytes()))
    {
        *slot = byte;
    }
    is_message(&text).then_some(Message {
        id: MessageId(id),
        actor,
        operation: *operation,
        text,
        time,
    })
}
