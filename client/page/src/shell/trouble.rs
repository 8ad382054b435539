//! Problems that take the whole screen. What lies below stays as it is, out of reach, so that a
//! problem that passes leaves everything in its place.

use bocage_platform::page_life;
use leptos::html;
use leptos::prelude::*;

use super::Shell;
use crate::i18n::{Key, key, language, t};
use crate::office::Trouble;
use crate::ui::{Button, CopyButton, Field, Glyph, Look, Progress};

/// See the module.
#[component]
pub(super) fn TroubleScreen() -> impl IntoView {
    let shell = expect_context::<Shell>();
    // How many things were unsaved when "Reload" was pressed.
    let recovering = RwSignal::new(None::<usize>);
    Effect::new(move || {
        // A fresh trouble ends the attempt to get out of the last one.
        if shell.office.trouble.with(Option::is_some) {
            recovering.set(None);
        }
    });
    move || {
        if let Some(all) = recovering.get() {
            return Some(view! { <Recovering all=all /> }.into_any());
        }
        let trouble = shell.office.trouble.get()?;
        Some(view! { <Notice trouble=trouble recovering=recovering /> }.into_any())
    }
}

/// What a kind of trouble is called and said.
struct Words {
    name: &'static str,
    title: Key,
    meaning: Key,
    remedy: Key,
}

fn words(trouble: &Trouble) -> Words {
    match trouble {
        Trouble::Trapped { .. } => Words {
            name: "trapped",
            title: key!(trapped.title),
            meaning: key!(trapped.meaning),
            remedy: key!(trapped.remedy),
        },
        Trouble::NewerVersion { .. } => Words {
            name: "newer",
            title: key!(newer.title),
            meaning: key!(newer.meaning),
            remedy: key!(newer.remedy),
        },
        Trouble::StorageUnavailable { .. } => Words {
            name: "storage",
            title: key!(no_storage.title),
            meaning: key!(no_storage.meaning),
            remedy: key!(no_storage.remedy),
        },
        Trouble::StorageFull => Words {
            name: "full",
            title: key!(no_room.title),
            meaning: key!(no_room.meaning),
            remedy: key!(no_room.remedy),
        },
        Trouble::Silent => Words {
            name: "silent",
            title: key!(silent.title),
            meaning: key!(silent.meaning),
            remedy: key!(silent.remedy),
        },
    }
}

#[component]
fn Notice(trouble: Trouble, recovering: RwSignal<Option<usize>>) -> impl IntoView {
    let shell = expect_context::<Shell>();
    let Words {
        name,
        title,
        meaning,
        remedy,
    } = words(&trouble);
    let (report, unsaved, starts_fresh) = match trouble {
        Trouble::Trapped { report, unsaved } => (Some(report), unsaved, true),
        Trouble::StorageUnavailable { report } => (Some(report), 0, false),
        Trouble::NewerVersion { unsaved } => (None, unsaved, false),
        Trouble::StorageFull | Trouble::Silent => {
            (None, shell.office.unsaved.get_untracked(), false)
        }
    };
    let reload = move |()| {
        if starts_fresh {
            recovering.set(Some(unsaved));
            shell.office.recover();
        } else {
            page_life::reload();
        }
    };
    let copied = report.clone();
    view! {
        <Cover name=name>
            <h1 id="trouble-title">{move || title(language())}</h1>
            <p>{move || meaning(language())}</p>
            <p>{move || remedy(language())}</p>
            {(unsaved > 0).then(|| view! { <p>{t!(trouble.unsaved, count = unsaved)}</p> })}
            <div class="notice-actions">
                <Button
                    look=Look::Primary
                    label=t!(trouble.reload)
                    glyph=Glyph::RotateCw
                    on_press=reload
                />
                {(unsaved > 0)
                    .then(|| {
                        view! {
                            <CopyButton
                                label=t!(trouble.copy_unsaved)
                                text=move |()| shell.office.unsaved_text()
                            />
                        }
                    })}
                {copied
                    .map(|report| {
                        view! {
                            <CopyButton label=t!(trouble.copy_report) text=move |()| report.clone() />
                        }
                    })}
            </div>
            {report
                .map(|report| {
                    view! {
                        <details class="report">
                            <summary>{t!(trouble.report)}</summary>
                            <Field
                                label=t!(trouble.report_label)
                                value=RwSignal::new(report)
                                read_only=true
                            />
                        </details>
                    }
                })}
        </Cover>
    }
}

/// While a fresh engine takes over what is not stored. The page is loaded anew at the end.
#[component]
fn Recovering(all: usize) -> impl IntoView {
    let shell = expect_context::<Shell>();
    let left = move || shell.office.unsaved.get().min(all);
    // A count of sensible size is exact.
    #[allow(clippy::cast_precision_loss)]
    let part = move || (all > 0).then(|| (all - left()) as f64 / all as f64);
    view! {
        <Cover name="recovering">
            <h1 id="trouble-title">{t!(recovering.title)}</h1>
            <Progress
                label=move || {
                    match left() {
                        0 => t!(recovering.starting)(),
                        left => t!(recovering.left, count = left)(),
                    }
                }
                part=part
            />
        </Cover>
    }
}

/// Lies over everything, other dialogs included, and cannot be closed.
#[component]
fn Cover(name: &'static str, children: Children) -> impl IntoView {
    let dialog: NodeRef<html::Dialog> = NodeRef::new();
    Effect::new(move || {
        if let Some(dialog) = dialog.get()
            && !dialog.open()
        {
            // Refused only for elements that are not in the page or open already.
            let _ = dialog.show_modal();
        }
    });
    view! {
        <dialog
            class="cover"
            closedby="none"
            role="alertdialog"
            aria-labelledby="trouble-title"
            data-screen=name
            node_ref=dialog
            // For browsers without `closedby`.
            on:cancel=|event: leptos::ev::Event| event.prevent_default()
        >
            <div class="notice">{children()}</div>
        </dialog>
    }
}
