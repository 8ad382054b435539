//! The dialog that invites people: makes a link, and shows those that there are.

use bocage_api::workspace::{InvitationCard, Mode, Role, USES_MAX};
use bocage_api::{Command, CommandId, InvitationId, Name, WorkspaceId, WorkspaceView};
use leptos::prelude::*;

use super::Shell;
use super::members::role_words;
use crate::i18n::{key, language, say, t};
use crate::route;
use crate::ui::choice::Choice;
use crate::ui::{Button, CopyButton, Dialog, Field, List, Look};

/// See the module.
#[component]
pub(super) fn InviteDialog() -> impl IntoView {
    let shell = expect_context::<Shell>();
    let workspace = shell
        .office
        .seen()
        .workspace
        .get_untracked()
        .map(|view| view.id);
    view! {
        <Dialog title=t!(invite.title) on_close=move |()| shell.layer.set(None)>
            {workspace
                .map(|workspace| {
                    view! {
                        <Form workspace=workspace />
                        <Invitations workspace=workspace />
                    }
                })}
        </Dialog>
    }
}

/// How many may come by a link.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Uses {
    One,
    Many,
}

#[component]
fn Form(workspace: WorkspaceId) -> impl IntoView {
    let shell = expect_context::<Shell>();
    let (role, set_role) = signal(Role::Editor);
    let (uses, set_uses) = signal(Uses::One);
    let made = RwSignal::new(None::<CommandId>);
    let make = move |event: leptos::ev::SubmitEvent| {
        event.prevent_default();
        let role = role.get_untracked();
        let uses = match uses.get_untracked() {
            Uses::One => 1,
            Uses::Many => USES_MAX,
        };
        // What it is called in the list: what people become by it.
        if let Ok(label) = Name::parse(&role_words(role).1(crate::i18n::language_now())) {
            made.set(Some(shell.office.send(Command::Invite {
                workspace,
                label,
                role,
                uses,
                days: None,
                mode: Mode::Auto,
            })));
        }
    };
    let link = Memo::new(move |_| {
        let by = made.get()?;
        shell.members_of(workspace, |view| {
            let mut all = view.invitations.iter();
            let card = all.find(|card| card.made_by == Some(by))?;
            card.link.as_deref().map(route::invitation_url)
        })?
    });
    view! {
        <form class="invite-form" on:submit=make>
            <Choice
                label=t!(invite.role)
                chosen=role
                options=vec![
                    (Role::Editor, key!(role.editor)),
                    (Role::Reader, key!(role.reader)),
                ]
                on_choose=move |role| set_role.set(role)
            />
            <Choice
                label=t!(invite.uses)
                chosen=uses
                options=vec![
                    (Uses::One, key!(invite.one)),
                    (Uses::Many, key!(invite.many)),
                ]
                on_choose=move |uses| set_uses.set(uses)
            />
            <div class="dialog-end">
                <Button look=Look::Primary label=t!(invite.make) submit=true />
            </div>
        </form>
        {move || {
            link.get()
                .map(|link| {
                    let (copied, known) = (link.clone(), link.clone());
                    view! {
                        <div class="invite-link" data-invite-link=known>
                            <Field
                                label=t!(invite.link)
                                hint=Signal::derive(t!(invite.link_hint))
                                value=RwSignal::new(link)
                                read_only=true
                            />
                            <CopyButton label=t!(invite.copy) text=move |()| copied.clone() />
                        </div>
                    }
                })
        }}
    }
}

/// All invitations, the newest first.
#[component]
fn Invitations(workspace: WorkspaceId) -> impl IntoView {
    let shell = expect_context::<Shell>();
    let all = Memo::new(move |_| {
        let listed = |view: &WorkspaceView| {
            let who = |card: &InvitationCard| {
                let members = view.members.iter();
                let came = members.filter(|member| card.joined.contains(&member.id));
                came.map(|member| member.name.as_str().to_owned())
                    .collect::<Vec<_>>()
            };
            let rows = view.invitations.iter().rev();
            rows.map(|card| (card.id, card.role, card.open, who(card)))
                .collect::<Vec<_>>()
        };
        shell.members_of(workspace, listed).unwrap_or_default()
    });
    view! {
        <Show when=move || all.with(|all| !all.is_empty())>
            <div class="invitations">
                <h3>{t!(invite.list)}</h3>
                <ul>
                    <List each=move || all.get() key=Clone::clone let:row>
                        <Row workspace=workspace id=row.0 role=row.1 open=row.2 came=row.3 />
                    </List>
                </ul>
            </div>
        </Show>
    }
}

#[component]
fn Row(
    workspace: WorkspaceId,
    id: InvitationId,
    role: Role,
    open: bool,
    came: Vec<String>,
) -> impl IntoView {
    let shell = expect_context::<Shell>();
    let role = role_words(role).1;
    let revoke = move |()| {
        let invitation = id;
        shell.office.send(Command::RevokeInvitation {
            workspace,
            invitation,
        });
        shell.toasts.say(say!(invite.revoked));
    };
    let came = (!came.is_empty()).then(|| came.join(", "));
    let state = move || {
        if open {
            t!(invite.open)()
        } else {
            t!(invite.ended)()
        }
    };
    let names = came.map(|came| {
        let came = StoredValue::new(came);
        view! { <span>" · " {t!(invite.came, names = came.get_value().as_str())}</span> }
    });
    view! {
        <li class="invitation" data-open=open.then_some("")>
            <p>
                <strong>{move || role(language())}</strong>
                " · "
                {state}
                {names}
            </p>
            {open.then(|| view! { <Button look=Look::Plain label=t!(invite.revoke) on_press=revoke /> })}
        </li>
    }
}
