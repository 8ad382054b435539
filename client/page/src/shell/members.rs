//! Who is in a workspace: everybody, whether they are here, and how this device reaches them.

use bocage_api::workspace::{Indirect, LinkCard, MemberCard, Path, Presence, Role};
use bocage_api::{Command, MemberId, WorkspaceId};
use leptos::prelude::*;

use super::{Layer, Shell};
use crate::actions::ActionId;
use crate::i18n::{Key, key, language, t};
use crate::ui::dialog::CloseDialog;
use crate::ui::{Button, Dialog, Disc, Glyph, IconButton, List, Look};

/// The panel beside the tools.
#[component]
pub(super) fn Members(workspace: WorkspaceId) -> impl IntoView {
    let shell = expect_context::<Shell>();
    let members = Memo::new(move |_| {
        let members = shell.members_of(workspace, |view| view.members.clone());
        members.unwrap_or_default()
    });
    let may_invite = move || (ActionId::Invite.action().available)(shell);
    view! {
        <aside class="members" aria-labelledby="members-title">
            <h2 id="members-title">{t!(members.title)}</h2>
            <ul>
                <List
                    each=move || members.get()
                    key=|member| {
                        (member.id, member.role, member.presence, member.path, member.may_remove)
                    }
                    let:member
                >
                    <Member member=member members=members />
                </List>
            </ul>
            <Show when=may_invite>
                <Button
                    label=Signal::derive(|| ActionId::Invite.label())
                    glyph=Glyph::UserPlus
                    on_press=move |()| ActionId::Invite.perform(shell)
                />
            </Show>
        </aside>
    }
}

#[component]
fn Member(member: MemberCard, members: Memo<Vec<MemberCard>>) -> impl IntoView {
    let shell = expect_context::<Shell>();
    let member_id = member.id;
    let link = Memo::new(move |_| {
        members.with(|all| {
            let found = all.iter().find(|member| member.id == member_id);
            found.map(|member| member.link).unwrap_or_default()
        })
    });
    let (id, is_me, name) = (member.id, member.is_me, member.name.clone());
    let (presence, here) = match member.presence {
        Presence::Here => ("here", key!(members.here)),
        Presence::Away => ("away", key!(members.away)),
    };
    let (path, way) = match member.path {
        Path::None => ("none", None),
        Path::Searching => ("searching", Some(key!(members.searching))),
        Path::Direct => ("direct", Some(key!(members.direct))),
        Path::Relay => ("relay", Some(key!(members.via_relay))),
    };
    let (role, role_name) = role_words(member.role);
    let remove = (member.may_remove && !is_me).then(|| {
        let name = StoredValue::new(name.clone());
        view! {
            <IconButton
                label=Signal::derive(t!(members.remove, name = name.get_value().as_str()))
                glyph=Glyph::X
                on_press=move |()| shell.open(Layer::Remove(id))
            />
        }
    });
    let who = name.as_str().to_owned();
    let known = who.clone();
    view! {
        <li
            class="member"
            data-member=known
            data-role=role
            data-presence=presence
            data-path=path
        >
            <Disc
                name=Signal::stored(Some(name))
                colour=Signal::stored(member.colour)
            />
            <div class="member-words">
                <p class="member-name">
                    <span>{who}</span>
                    {is_me.then(|| view! { <span class="member-me">{t!(members.me)}</span> })}
                </p>
                <p class="member-state" title=move || link.with(traffic)>
                    {move || role_name(language())} " · " {move || here(language())}
                    {way.map(|way| view! { <span>" · " {move || way(language())}</span> })}
                </p>
                {move || link.with(reason).map(|why| view! { <p class="member-state">{why}</p> })}
            </div>
            {remove}
        </li>
    }
}

/// Why a link is not direct.
fn reason(link: &LinkCard) -> Option<String> {
    let reason = match link.reason? {
        Indirect::Hidden => key!(members.link_hidden),
        Indirect::Failed => key!(members.link_failed),
        Indirect::Stalled => key!(members.link_stalled),
        Indirect::NoRelay => key!(members.link_no_relay),
        Indirect::Spread => key!(members.link_spread),
    };
    Some(reason(language()).to_string())
}

/// How long a word takes over a link, and what went over it: for who asks.
fn traffic(link: &LinkCard) -> Option<String> {
    let kilo = |bytes: u64| bytes.div_ceil(1_000).to_string();
    let trip = link.round_trip?.to_string();
    let (sent, received) = (kilo(link.sent), kilo(link.received));
    let words = t!(
        members.link_traffic,
        trip = trip.as_str(),
        sent = sent.as_str(),
        received = received.as_str()
    );
    Some(words().to_string())
}

/// A role's name for styles and tests, and for people.
pub(super) fn role_words(role: Role) -> (&'static str, Key) {
    match role {
        Role::Reader => ("reader", key!(role.reader)),
        Role::Editor => ("editor", key!(role.editor)),
        Role::Manager => ("manager", key!(role.manager)),
    }
}

/// Asks before somebody's membership is ended, and says what that means.
#[component]
pub(super) fn RemoveDialog(member: MemberId) -> impl IntoView {
    let shell = expect_context::<Shell>();
    let view = shell.office.seen().workspace.get_untracked();
    let found = view.and_then(|view| {
        let card = view.members.into_iter().find(|card| card.id == member)?;
        Some((view.id, card.name))
    });
    let Some((workspace, name)) = found else {
        shell.layer.set(None);
        return ().into_any();
    };
    let name = StoredValue::new(name);
    view! {
        <Dialog
            title=Signal::derive(t!(members.remove_title, name = name.get_value().as_str()))
            on_close=move |()| shell.layer.set(None)
        >
            <p>{t!(members.remove_text, name = name.get_value().as_str())}</p>
            <RemoveEnd workspace=workspace member=member />
        </Dialog>
    }
    .into_any()
}

#[component]
fn RemoveEnd(workspace: WorkspaceId, member: MemberId) -> impl IntoView {
    let shell = expect_context::<Shell>();
    let dialog = expect_context::<CloseDialog>();
    let remove = move |()| {
        let command = Command::RemoveMember { workspace, member };
        shell.office.send(command);
        dialog.close();
    };
    view! {
        <div class="dialog-end">
            <Button label=t!(common.cancel) on_press=move |()| dialog.close() />
            <Button look=Look::Danger label=t!(members.remove_do) on_press=remove />
        </div>
    }
}
