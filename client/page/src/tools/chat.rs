//! Chat: a channel's messages, and the field to write one.

use bocage_api::chat::{ChatMessage, MESSAGE_MAX_UNITS};
use bocage_api::workspace::WorkspaceView;
use bocage_api::{ChannelId, Colour, Command, CommandId, Name, Refusal, WorkspaceId};
use bocage_platform::locale;
use leptos::html;
use leptos::prelude::*;

use crate::i18n::{language, t, tag};
use crate::shell::left_out::LeftOutWords;
use crate::shell::{Shell, reach};
use crate::ui::{Button, Disc, Glyph, List, Look};

/// A channel.
#[component]
pub fn ChannelView(
    /// The workspace it is in.
    workspace: WorkspaceId,
    /// The channel.
    channel: ChannelId,
) -> impl IntoView {
    let shell = expect_context::<Shell>();
    shell.office.watch_channel(workspace, channel);
    let view = Memo::new(move |_| {
        let view = shell.office.seen().channel.get();
        view.filter(|view| view.channel == channel)
    });
    let messages = Memo::new(move |_| view.with(|v| v.as_ref().map(|v| v.messages.clone())));
    let may_write = Memo::new(move |_| view.with(|v| v.as_ref().is_some_and(|v| v.may_write)));
    let list: NodeRef<html::Div> = NodeRef::new();
    // The last message is in sight, as long as the one before it was.
    Effect::new(move |before: Option<usize>| {
        let count = messages.with(|all| all.as_ref().map_or(0, Vec::len));
        if before != Some(count)
            && let Some(list) = list.get()
        {
            let below = list.scroll_height() - list.scroll_top() - list.client_height();
            if before.unwrap_or(0) == 0 || below < NEAR_THE_END {
                request_animation_frame(move || list.set_scroll_top(list.scroll_height()));
            }
        }
        count
    });
    let is_empty = move || messages.with(|all| all.as_ref().is_some_and(Vec::is_empty));
    view! {
        <div class="chat">
            <LeftOutWords workspace=workspace in_chat=true />
            <Show when=is_empty>
                <p class="chat-empty">{t!(chat.empty)}</p>
            </Show>
            <div class="messages" role="log" tabindex="0" aria-label=t!(chat.messages) node_ref=list>
                <ol>
                    <List
                        each=move || messages.get().unwrap_or_default()
                        key=|message| (message.id, message.reach)
                        let:message
                    >
                        <Message workspace=workspace message=message />
                    </List>
                </ol>
            </div>
            <Show
                when=move || may_write.get()
                fallback=move || {
                    view! {
                        <p class="chat-note" hidden=move || view.with(Option::is_none)>
                            {t!(chat.read_only)}
                        </p>
                    }
                }
            >
                <Composer workspace=workspace channel=channel />
            </Show>
        </div>
    }
}

/// So many pixels from its end somebody is reading the end of a list.
const NEAR_THE_END: i32 = 120;

#[component]
fn Message(workspace: WorkspaceId, message: ChatMessage) -> impl IntoView {
    let shell = expect_context::<Shell>();
    let author = message.author;
    let card = Memo::new(move |_| {
        let find = |view: &WorkspaceView| {
            let member = view.members.iter().find(|card| card.id == author);
            let former = || view.former.iter().find(|card| card.id == author);
            member
                .map(|card| (card.name.clone(), card.colour))
                .or_else(|| former().map(|card| (card.name.clone(), card.colour)))
        };
        shell.members_of(workspace, find).flatten()
    });
    let name = Signal::derive(move || card.get().map(|(name, _)| name));
    let colour = Signal::derive(move || card.get().map_or_else(Colour::default, |card| card.1));
    let who = move || name.get().map(|name| Name::as_str(&name).to_owned());
    let time = message.time;
    let at = move || locale::time_of_day(time, tag(language()));
    let reach = message.reach;
    view! {
        <li class="message" data-mine=message.is_mine.then_some("") data-reach=format!("{}/{}", reach.have, reach.of)>
            <Disc name=name colour=colour />
            <div class="message-body">
                <p class="message-head">
                    <strong>{who}</strong>
                    <time>{at}</time>
                </p>
                <p class="message-text" dir="auto">{message.text}</p>
                {(message.is_mine && reach.of > 1)
                    .then(|| view! { <p class="message-reach">{move || reach::words(reach)}</p> })}
            </div>
        </li>
    }
}

#[component]
fn Composer(workspace: WorkspaceId, channel: ChannelId) -> impl IntoView {
    let shell = expect_context::<Shell>();
    let field: NodeRef<html::Textarea> = NodeRef::new();
    let sent = StoredValue::new(None::<(CommandId, String)>);
    let send = move || {
        let Some(field) = field.get_untracked() else {
            return;
        };
        let text = field.value();
        let units = text.encode_utf16().count();
        if text.trim().is_empty() || units > MESSAGE_MAX_UNITS {
            return;
        }
        field.set_value("");
        let command = Command::Say {
            workspace,
            channel,
            text: text.clone(),
        };
        sent.set_value(Some((shell.office.send(command), text)));
        let _ = field.focus();
    };
    // What was refused is given back, unless something else was begun meanwhile.
    Effect::new(move || {
        // What is refused because this person may not write there now goes later by itself.
        let Some((refused, Refusal::BadMessage)) = shell.office.refused.get() else {
            return;
        };
        let taken = sent.try_update_value(|sent| sent.take_if(|(id, _)| *id == refused));
        if let Some(Some((_, text))) = taken
            && let Some(field) = field.get_untracked()
            && field.value().is_empty()
        {
            field.set_value(&text);
        }
    });
    let pressed = move |event: leptos::ev::KeyboardEvent| {
        if event.key() == "Enter" && !event.shift_key() && !event.is_composing() {
            event.prevent_default();
            send();
        }
    };
    let submit = move |event: leptos::ev::SubmitEvent| {
        event.prevent_default();
        send();
    };
    view! {
        <form class="composer" on:submit=submit>
            <textarea
                class="composer-field"
                rows="1"
                maxlength=MESSAGE_MAX_UNITS.to_string()
                aria-label=t!(chat.field)
                placeholder=t!(chat.placeholder)
                node_ref=field
                on:keydown=pressed
            ></textarea>
            <Button look=Look::Primary label=t!(chat.send) glyph=Glyph::ArrowUp submit=true />
        </form>
    }
}
