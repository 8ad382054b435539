//! The pages that are open or being opened.
//!
//! A page is read when somebody looks at it or writes in it, and closed when nobody does and all of
//! it is stored; what is not looked at costs nothing.

use std::collections::{BTreeMap, VecDeque};

use bocage_api::view::PagePatch;
use bocage_api::{CommandId, PageId, PageView, Refusal, TextDelta, WorkspaceId};
use rand_core::CryptoRng;

use super::home::{move_aside, put};
use super::{Effect, Outcome, Output, PageMap, Waiting};
use crate::crypto::domains::Domain;
use crate::crypto::hash::derive_id;
use crate::page::Page;
use crate::vault::{Family, Shelf, Vault, Write};

/// Which page.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct PageKey {
    pub(super) workspace: WorkspaceId,
    pub(super) page: PageId,
}

pub(super) struct Pages {
    /// This run of the engine; part of the actor it writes under, so that two runs that both
    /// believe to be the only one never write under the same.
    session: [u8; 16],
    open: PageMap<Page>,
    opening: PageMap<Waiting>,
    families: BTreeMap<Family, PageKey>,
}

impl Pages {
    pub(super) fn new(session: [u8; 16]) -> Self {
        Self {
            session,
            open: BTreeMap::new(),
            opening: BTreeMap::new(),
            families: BTreeMap::new(),
        }
    }

    /// Where to put what must wait until the page is read; `None` when it is open. Starts reading
    /// if need be.
    pub(super) fn waiting(
        &mut self,
        vault: &Vault,
        key: PageKey,
        outputs: &mut VecDeque<Output>,
    ) -> Option<&mut Waiting> {
        if self.open.contains_key(&key) {
            return None;
        }
        Some(self.opening.entry(key).or_insert_with(|| {
            let family = vault.family(shelf(key));
            self.families.insert(family, key);
            outputs.push_back(Output::Load(family));
            Vec::new()
        }))
    }

    /// A page's records were read. Returns which page's, and what waited for it.
    pub(super) fn opened(
        &mut self,
        vault: &Vault,
        family: Family,
        records: Vec<(u64, Vec<u8>)>,
    ) -> Option<(PageKey, Waiting)> {
        let key = self.families.remove(&family)?;
        let waiting = self.opening.remove(&key)?;
        let actor = derive_id(
            Domain::Actor,
            &[&key.workspace.0, &key.page.0, &self.session],
        );
        self.open
            .insert(key, Page::open(vault, family, records, actor));
        Some((key, waiting))
    }

    pub(super) fn commands(&self, key: PageKey) -> &[CommandId] {
        self.open.get(&key).map_or(&[], Page::commands)
    }

    pub(super) fn is_damaged(&self, key: PageKey) -> bool {
        self.open.get(&key).is_some_and(Page::is_damaged)
    }

    pub(super) fn view(&self, key: PageKey) -> Option<PageView> {
        let page = self.open.get(&key)?;
        let (text, version, included) = page.shown();
        Some(PageView {
            workspace: key.workspace,
            page: key.page,
            text,
            version,
            included: included.to_vec(),
            damaged: page.is_damaged(),
        })
    }

    pub(super) fn edit(
        &mut self,
        vault: &Vault,
        rng: &mut dyn CryptoRng,
        key: PageKey,
        id: CommandId,
        base: u64,
        delta: &TextDelta,
    ) -> Result<Outcome, Refusal> {
        let page = self.open.get_mut(&key).ok_or(Refusal::UnknownPage)?;
        let made = page.edit(id, base, delta)?;
        let (place, entry) = made.entry;
        let mut writes = vec![put(vault, rng, place, &entry.encode())?];
        writes.extend(made.superfluous);
        Ok(Outcome {
            writes,
            effects: vec![Effect::ShowPage(key)],
        })
    }

    pub(super) fn show_next(&mut self, key: PageKey) -> Option<PagePatch> {
        let (version, delta, by) = self.open.get_mut(&key)?.show_next()?;
        Some(PagePatch {
            workspace: key.workspace,
            page: key.page,
            version,
            delta,
            by,
        })
    }

    /// Moves what is damaged of a page aside.
    pub(super) fn set_aside(&mut self, vault: &Vault, run: u64, key: PageKey) -> Vec<Write> {
        let damaged = self
            .open
            .get_mut(&key)
            .map(Page::take_damaged)
            .unwrap_or_default();
        move_aside(vault, run, shelf(key), damaged)
    }

    /// Closes the pages of which `unused` holds and everything is stored.
    pub(super) fn close(&mut self, unused: impl Fn(PageKey) -> bool) {
        self.open
            .retain(|key, page| !(page.is_settled() && unused(*key)));
    }
}

fn shelf(key: PageKey) -> Shelf {
    Shelf::Page(key.workspace, key.page)
}
