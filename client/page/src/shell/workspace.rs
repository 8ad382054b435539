//! A workspace: its name, its tools, its state, and the tool in the middle.

use bocage_api::{Command, Name, WorkspaceId};
use leptos::html;
use leptos::prelude::*;
use wasm_bindgen::JsCast;

use super::Shell;
use super::frame::PlaceTitle;
use super::members::Members;
use super::reach::ReachChip;
use super::states::{RelayChip, SaveChip};
use crate::actions::ActionId;
use crate::i18n::{Text, say, t};
use crate::route::{Route, Tool};
use crate::tools::chat::ChannelView;
use crate::tools::documents::TextPage;
use crate::ui::{Banner, Glyph, Icon, Keys, Menu, Tone};

/// See the module.
#[component]
pub(super) fn WorkspacePlace(id: WorkspaceId) -> impl IntoView {
    let shell = expect_context::<Shell>();
    shell.office.watch_workspace(id);
    let items = [
        ActionId::RenameWorkspace,
        ActionId::Invite,
        ActionId::ExportPage,
    ];
    let card = Memo::new(move |_| {
        let card = shell.workspace(id);
        card.map(|card| (card.first_page, card.first_channel))
    });
    let tool = Memo::new(move |_| match shell.route.get() {
        Route::Workspace(_, tool) => tool,
        Route::Home | Route::Unknown => Tool::Documents,
    });
    let in_chat = Memo::new(move |_| tool.get() == Tool::Chat);
    let removed = move || shell.members_of(id, |view| view.role.is_none()) == Some(true);
    let needs_update = move || shell.members_of(id, |view| view.needs_update) == Some(true);
    let middle = move || {
        let (page, channel) = card.get()?;
        Some(if in_chat.get() {
            view! { <ChannelView workspace=id channel=channel /> }.into_any()
        } else {
            view! { <TextPage workspace=id page=page /> }.into_any()
        })
    };
    view! {
        <div class="place workspace">
            <header class="place-header">
                <WorkspaceName id=id />
                <div class="chips">
                    <ReachChip workspace=id />
                    <SaveChip />
                    <RelayChip />
                </div>
                <Menu
                    label=t!(workspace.menu)
                    class="icon-button"
                    items=items.map(|id| id.menu_item(shell)).to_vec()
                >
                    <Icon glyph=Glyph::Ellipsis />
                </Menu>
            </header>
            <nav class="tools" aria-label=t!(workspace.tools)>
                <ToolLink to=(id, Tool::Documents) tool=tool glyph=Glyph::FileText label=t!(document.tool) />
                <ToolLink to=(id, Tool::Chat) tool=tool glyph=Glyph::MessageCircle label=t!(chat.tool) />
                <ToolLink to=(id, Tool::Members) tool=tool glyph=Glyph::Users label=t!(members.title) />
            </nav>
            <Show when=needs_update>
                <Banner tone=Tone::Attention text=t!(workspace.needs_update) />
            </Show>
            <Show when=removed>
                <Banner tone=Tone::Attention text=t!(workspace.removed) />
            </Show>
            <div class="workspace-body" data-tool=move || tool_name(tool.get())>
                <div class="place-body">{middle}</div>
                <Members workspace=id />
            </div>
        </div>
    }
}

/// One of the tools. On a wide screen the members stand beside each, and have no line of their own.
#[component]
fn ToolLink(
    to: (WorkspaceId, Tool),
    tool: Memo<Tool>,
    glyph: Glyph,
    #[prop(into)] label: Signal<Text>,
) -> impl IntoView {
    let (id, own) = to;
    view! {
        <a
            class="tool"
            href=Route::Workspace(id, own).hash()
            data-tool=tool_name(own)
            aria-current=move || (tool.get() == own).then_some("page")
        >
            <Icon glyph=glyph />
            <span>{label}</span>
        </a>
    }
}

fn tool_name(tool: Tool) -> &'static str {
    match tool {
        Tool::Documents => "documents",
        Tool::Chat => "chat",
        Tool::Members => "members",
    }
}

/// The name, which is changed where it stands.
#[component]
fn WorkspaceName(id: WorkspaceId) -> impl IntoView {
    let shell = expect_context::<Shell>();
    let name = Memo::new(move |_| {
        let card = shell.workspace(id);
        card.map(|card| card.name.as_str().to_owned())
            .unwrap_or_default()
    });
    let keys = ActionId::RenameWorkspace.action().keys;
    let button: NodeRef<html::Button> = NodeRef::new();
    let end = move |entered: Option<String>| {
        if !shell.renaming.get_untracked() {
            return;
        }
        shell.renaming.set(false);
        if let Some(entered) = entered {
            rename(shell, id, &entered);
        }
        // After the button is drawn again.
        request_animation_frame(move || {
            if let Some(Some(button)) = button.try_get_untracked()
                && document()
                    .active_element()
                    .is_none_or(|active| active.tag_name() == "BODY")
            {
                let _ = button.focus();
            }
        });
    };
    let shown = move || {
        if shell.renaming.get() {
            view! { <NameInput name=name.get_untracked() end=end /> }.into_any()
        } else {
            view! {
                <button
                    type="button"
                    class="rename"
                    node_ref=button
                    data-tip=t!(action.rename_workspace)
                    data-keys=keys.map(Keys::for_people)
                    aria-keyshortcuts=keys.and_then(Keys::for_machines)
                    on:click=move |_| shell.renaming.set(true)
                >
                    {name}
                </button>
            }
            .into_any()
        }
    };
    view! { <PlaceTitle>{shown}</PlaceTitle> }
}

#[component]
fn NameInput(
    name: String,
    end: impl Fn(Option<String>) + Copy + Send + Sync + 'static,
) -> impl IntoView {
    let input: NodeRef<html::Input> = NodeRef::new();
    Effect::new(move || {
        if let Some(input) = input.get() {
            let _ = input.focus();
            input.select();
        }
    });
    let pressed = move |event: leptos::ev::KeyboardEvent| match event.key().as_str() {
        "Enter" if !event.is_composing() => end(Some(event_target_value(&event))),
        "Escape" => end(None),
        _ => {}
    };
    view! {
        <input
            class="rename-input"
            type="text"
            autocomplete="off"
            spellcheck="false"
            aria-label=t!(new_workspace.name)
            node_ref=input
            // Not `prop:value`, which leptos sets later, and which would undo the selection.
            value=name
            on:keydown=pressed
            on:blur=move |event| end(Some(event_target_value(&event)))
        />
    }
}

/// Gives the workspace this name, unless it is none or the same, and offers the way back.
fn rename(shell: Shell, id: WorkspaceId, entered: &str) {
    let Some(before) = untrack(|| shell.workspace(id)).map(|card| card.name) else {
        return;
    };
    let Ok(name) = Name::parse(entered) else {
        shell.toasts.problem(say!(workspace.not_renamed));
        return;
    };
    if name == before {
        return;
    }
    let send = move |name: Name| {
        let workspace = id;
        shell
            .office
            .send(Command::RenameWorkspace { workspace, name });
    };
    let done = say!(workspace.renamed, name = name.as_str());
    send(name);
    shell
        .toasts
        .offer(done, say!(common.undo), move || send(before.clone()));
}

/// The text of the page on the screen, the words just typed included.
pub fn shown_text() -> Option<String> {
    let field = document().query_selector(".page-field").ok()??;
    let field: web_sys::HtmlTextAreaElement = field.dyn_into().ok()?;
    Some(field.value())
}
