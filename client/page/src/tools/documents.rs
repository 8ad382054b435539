//! Documents: a page as plain text in a field.
//!
//! What is typed goes to the session as a whole text; what others change is put into the field
//! without touching the caret, the selection or a running composition.

mod convert;

use std::cell::RefCell;
use std::rc::Rc;

use bocage_api::command::Damaged;
use bocage_api::{Command, PageId, TextDelta, WorkspaceId};
use bocage_platform::download;
use bocage_session::FieldText;
use leptos::ev::{CompositionEvent, DragEvent, Event};
use leptos::html::Textarea;
use leptos::prelude::*;

use self::convert::Job;
use crate::i18n::{say, t};
use crate::office::{Office, PageEvent, PageSession};
use crate::shell::left_out::LeftOutWords;
use crate::ui::{Banner, Button, Look, Skeleton, Toasts, Tone};

/// What is known of the page.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Shown {
    Waiting,
    Missing,
    Text { damaged: bool },
}

/// A page as a text field.
#[component]
pub fn TextPage(
    /// The workspace it is in.
    workspace: WorkspaceId,
    /// The page.
    page: PageId,
) -> impl IntoView {
    let office = expect_context::<Office>();
    let (shown, set_shown) = signal(Shown::Waiting);
    let area: NodeRef<Textarea> = NodeRef::new();
    let field = Field {
        area,
        text: StoredValue::new_local(Rc::default()),
    };

    let session = office.open_page(workspace, page, move |event| match event {
        PageEvent::Text { text, damaged } => {
            field.replace(text);
            set_shown.set(Shown::Text { damaged });
        }
        PageEvent::Changed(delta) => field.change(&delta),
        PageEvent::Missing => set_shown.set(Shown::Missing),
    });
    // The element comes after the text when the page was open before.
    Effect::new(move || {
        if area.get().is_some() {
            field.show();
        }
    });

    let may_write = Memo::new(move |_| {
        let seen = office.seen().page;
        seen.with(|state| state.is_none_or(|state| state.page != page || state.may_write))
    });
    let read_only =
        move || !matches!(shown.get(), Shown::Text { damaged: false }) || !may_write.get();
    let set_aside = move |()| {
        office.send(Command::SetAsideDamage(Damaged::Page(workspace, page)));
    };
    view! {
        <Show when=move || shown.get() == Shown::Text { damaged: true }>
            <Banner tone=Tone::Attention text=t!(document.damaged)>
                <Button look=Look::Quiet label=Signal::derive(t!(document.go_on)) on_press=set_aside />
            </Banner>
        </Show>
        <LeftOutWords workspace=workspace in_chat=false />
        <Show when=move || shown.get() == Shown::Text { damaged: false } && !may_write.get()>
            <p class="page-note">{t!(document.read_only)}</p>
        </Show>
        <Show when=move || shown.get() == Shown::Missing>
            <p class="page-missing">{t!(document.missing)}</p>
        </Show>
        <Show when=move || shown.get() == Shown::Waiting>
            <Skeleton />
        </Show>
        <textarea
            class="page-field"
            node_ref=area
            hidden=move || !matches!(shown.get(), Shown::Text { .. })
            readonly=read_only
            aria-label=t!(document.label)
            placeholder=t!(document.placeholder)
            spellcheck="true"
            on:input=move |_: Event| field.typed(session)
            on:compositionstart=move |_: CompositionEvent| field.begin_composition()
            on:compositionend=move |_: CompositionEvent| field.end_composition(session)
            on:dragover=move |event: DragEvent| {
                if carries_files(&event) && !read_only() {
                    event.prevent_default();
                }
            }
            on:drop=move |event: DragEvent| {
                if carries_files(&event) && !read_only() {
                    event.prevent_default();
                    insert_files(&event, field, session);
                }
            }
        ></textarea>
    }
}

/// Saves a text as an HTML file that opens anywhere.
pub fn export_html(name: String, text: String, toasts: Toasts) {
    bocage_platform::task::spawn(async move {
        let saved = match convert::run(Job::MarkdownToHtml, text.as_bytes()).await {
            Ok(html) => download::save(&format!("{name}.html"), "text/html", &html).is_ok(),
            Err(_) => false,
        };
        if !saved {
            toasts.problem(say!(document.export_failed));
        }
    });
}

/// The text field with what is known of its text.
#[derive(Clone, Copy)]
struct Field {
    area: NodeRef<Textarea>,
    text: StoredValue<Rc<RefCell<FieldText>>, LocalStorage>,
}

impl Field {
    fn replace(self, text: String) {
        self.text.get_value().borrow_mut().replace(text);
        self.show();
    }

    /// Puts the known text into the field as a whole.
    fn show(self) {
        let text = self.text.get_value().borrow().text().to_owned();
        if let Some(area) = self.area.get_untracked()
            && area.value() != text
        {
            let caret = area.selection_start().ok().flatten();
            area.set_value(&text);
            let _ = area.set_selection_range(caret.unwrap_or(0), caret.unwrap_or(0));
        }
    }

    /// Applies what others have changed.
    fn change(self, delta: &TextDelta) {
        let change = self.text.get_value().borrow_mut().changed(delta);
        if let Some(change) = change {
            self.put(&change.text, &change.delta);
        }
    }

    fn typed(self, session: PageSession) {
        let Some(area) = self.area.get_untracked() else {
            return;
        };
        if let Some(text) = self.text.get_value().borrow_mut().typed(area.value()) {
            session.type_text(text);
        }
    }

    fn begin_composition(self) {
        self.text.get_value().borrow_mut().begin_composition();
    }

    fn end_composition(self, session: PageSession) {
        let Some(area) = self.area.get_untracked() else {
            return;
        };
        let text = self.text.get_value();
        let (told, change) = {
            let mut text = text.borrow_mut();
            let (told, change) = text.end_composition(area.value());
            (told.to_owned(), change)
        };
        if let Some(change) = change {
            self.put(&change.text, &change.delta);
        }
        session.type_text(&told);
    }

    /// Puts `text` into the field and moves the selection as `delta` says.
    fn put(self, text: &str, delta: &TextDelta) {
        let Some(area) = self.area.get_untracked() else {
            return;
        };
        let moved = |at: Result<Option<u32>, _>| {
            let at = at.ok().flatten().unwrap_or(0);
            usize::try_from(at)
                .ok()
                .and_then(|at| u32::try_from(delta.move_caret(at)).ok())
        };
        let (start, end) = (moved(area.selection_start()), moved(area.selection_end()));
        let scrolled = area.scroll_top();
        area.set_value(text);
        let _ = area.set_selection_range(start.unwrap_or(0), end.unwrap_or(0));
        area.set_scroll_top(scrolled);
    }

    /// Puts a text where the caret is, as if typed.
    fn insert(self, text: &str, session: PageSession) {
        let Some(area) = self.area.get_untracked() else {
            return;
        };
        let at = area.selection_start().ok().flatten().unwrap_or(0);
        let end = area.selection_end().ok().flatten().unwrap_or(at);
        let _ = area.set_range_text_with_start_and_end(text, at, end);
        self.typed(session);
    }
}

fn carries_files(event: &DragEvent) -> bool {
    let types = event.data_transfer().map(|data| data.types());
    types.is_some_and(|types| types.iter().any(|kind| kind == "Files"))
}

/// Reads the dropped text files and puts their texts where the caret is.
fn insert_files(event: &DragEvent, field: Field, session: PageSession) {
    let toasts = expect_context::<Toasts>();
    let Some(files) = event.data_transfer().and_then(|data| data.files()) else {
        return;
    };
    for index in 0..files.length() {
        let Some(file) = files.get(index) else {
            continue;
        };
        bocage_platform::task::spawn(async move {
            match convert::read_text(&file).await {
                Some(text) => field.insert(&text, session),
                None => toasts.problem(say!(document.not_a_text, name = &file.name())),
            }
        });
    }
}
