//! Says what the engine has refused. Nothing was changed then.

use bocage_api::Refusal;
use leptos::prelude::*;

use super::Shell;
use crate::i18n::{key, language_now};

/// A message for each refusal that a person can do something about.
pub(super) fn report(shell: Shell) {
    Effect::new(move || {
        let Some((_, refusal)) = shell.office.refused.get() else {
            return;
        };
        let text = match refusal {
            Refusal::UnknownWorkspace => key!(refused.unknown_workspace),
            Refusal::UnknownPage => key!(refused.unknown_page),
            Refusal::PageTooLarge => key!(refused.page_too_large),
            Refusal::TooManyWorkspaces => key!(refused.too_many_workspaces),
            Refusal::Damaged => key!(refused.damaged),
            // The session makes the change anew by itself.
            Refusal::StaleBase => return,
            Refusal::UnknownChannel
            | Refusal::UnknownMember
            | Refusal::UnknownInvitation
            | Refusal::UnknownCopy => key!(refused.gone),
            Refusal::NotPermitted => key!(refused.not_permitted),
            Refusal::UpdateNeeded => key!(workspace.needs_update),
            Refusal::BadLink => key!(refused.bad_link),
            Refusal::AlreadyMember => key!(refused.already_member),
            Refusal::BadMessage => key!(refused.bad_message),
            Refusal::NoProfile => key!(refused.no_profile),
        };
        shell.toasts.problem(text(language_now()));
    });
}
