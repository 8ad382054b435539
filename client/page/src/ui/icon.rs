//! The icons: outlines from the Lucide set (ISC licence, see `THIRD_PARTY_NOTICES`), each as one path.
//!
//! Only those the app uses are here. An icon never speaks for itself: it is hidden from screen
//! readers, and whatever holds it has a name.

use leptos::prelude::*;

/// Which icon.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Glyph {
    /// Down.
    ArrowDown,
    /// Up.
    ArrowUp,
    /// Chosen, done.
    Check,
    /// Opens a menu.
    ChevronDown,
    /// Something to know.
    CircleAlert,
    /// All is well.
    CircleCheck,
    /// To the clipboard.
    Copy,
    /// To a file.
    Download,
    /// Chat.
    MessageCircle,
    /// More actions.
    Ellipsis,
    /// Documents.
    FileText,
    /// Home.
    House,
    /// Shortcuts.
    Keyboard,
    /// Reached.
    Link,
    /// Under way.
    Loader,
    /// The launchbar on a phone.
    Menu,
    /// Make the launchbar narrow.
    PanelLeftClose,
    /// Make the launchbar wide.
    PanelLeftOpen,
    /// Rename.
    Pencil,
    /// New.
    Plus,
    /// Being written.
    RefreshCw,
    /// Somebody new.
    UserPlus,
    /// Members.
    Users,
    /// Try again, load again.
    RotateCw,
    /// Settings.
    Settings,
    /// Light or dark.
    SunMoon,
    /// Something to act on.
    TriangleAlert,
    /// Not reached.
    Unlink,
    /// Close.
    X,
}

/// An icon of the size of the text around it.
#[component]
pub fn Icon(
    /// Which one.
    #[prop(into)]
    glyph: Signal<Glyph>,
) -> impl IntoView {
    view! {
        <svg class="icon" viewBox="0 0 24 24" aria-hidden="true">
            <path d=move || glyph.get().path() />
        </svg>
    }
}

impl Glyph {
    /// The outline on a field of 24 by 24.
    fn path(self) -> &'static str {
        match self {
            Self::ArrowDown => "M12 5v14M19 12l-7 7-7-7",
            Self::ArrowUp => "M5 12l7-7 7 7M12 19V5",
            Self::Check => "M20 6 9 17l-5-5",
            Self::ChevronDown => "M6 9l6 6 6-6",
            Self::CircleAlert => {
                "M2 12a10 10 0 1 0 20 0a10 10 0 1 0 -20 0M12 8L12 12M12 16L12.01 16"
            }
            Self::CircleCheck => "M2 12a10 10 0 1 0 20 0a10 10 0 1 0 -20 0M16 9l-5.5 5.5L8 12",
            Self::Copy => {
                "M10 8h10a2 2 0 0 1 2 2v10a2 2 0 0 1 -2 2h-10a2 2 0 0 1 -2 -2v-10\
                 a2 2 0 0 1 2 -2zM4 16c-1.1 0-2-.9-2-2V4c0-1.1.9-2 2-2h10c1.1 0 2 .9 2 2"
            }
            Self::Download => "M12 15V3M21 15v4a2 2 0 0 1-2 2H5a2 2 0 0 1-2-2v-4M7 10l5 5 5-5",
            Self::Ellipsis => {
                "M11 12a1 1 0 1 0 2 0a1 1 0 1 0 -2 0M18 12a1 1 0 1 0 2 0a1 1 0 1 0 -2 0\
                 M4 12a1 1 0 1 0 2 0a1 1 0 1 0 -2 0"
            }
            Self::FileText => {
                "M6 22a2 2 0 0 1-2-2V4a2 2 0 0 1 2-2h8a2.4 2.4 0 0 1 1.704.706l3.588 3.588\
                 A2.4 2.4 0 0 1 20 8v12a2 2 0 0 1-2 2zM14 2v5a1 1 0 0 0 1 1h5M10 9H8M16 13\
                 H8M16 17H8"
            }
            Self::House => {
                "M15 21v-8a1 1 0 0 0-1-1h-4a1 1 0 0 0-1 1v8M3 10a2 2 0 0 1 .709-1.528l7-6\
                 a2 2 0 0 1 2.582 0l7 6A2 2 0 0 1 21 10v9a2 2 0 0 1-2 2H5a2 2 0 0 1-2-2z"
            }
            Self::Keyboard => {
                "M10 8h.01M12 12h.01M14 8h.01M16 12h.01M18 8h.01M6 8h.01M7 16h10M8 12h.01\
                 M4 4h16a2 2 0 0 1 2 2v12a2 2 0 0 1 -2 2h-16a2 2 0 0 1 -2 -2v-12\
                 a2 2 0 0 1 2 -2z"
            }
            Self::Link => {
                "M10 13a5 5 0 0 0 7.54.54l3-3a5 5 0 0 0-7.07-7.07l-1.72 1.71M14 11\
                 a5 5 0 0 0-7.54-.54l-3 3a5 5 0 0 0 7.07 7.07l1.71-1.71"
            }
            Self::Loader => {
                "M12 2v4M16.2 7.8l2.9-2.9M18 12h4M16.2 16.2l2.9 2.9M12 18v4M4.9 19.1\
                 l2.9-2.9M2 12h4M4.9 4.9l2.9 2.9"
            }
            Self::Menu => "M4 5h16M4 12h16M4 19h16",
            Self::PanelLeftClose => {
                "M5 3h14a2 2 0 0 1 2 2v14a2 2 0 0 1 -2 2h-14a2 2 0 0 1 -2 -2v-14\
                 a2 2 0 0 1 2 -2zM9 3v18M16 15l-3-3 3-3"
            }
            Self::PanelLeftOpen => {
                "M5 3h14a2 2 0 0 1 2 2v14a2 2 0 0 1 -2 2h-14a2 2 0 0 1 -2 -2v-14\
                 a2 2 0 0 1 2 -2zM9 3v18M14 9l3 3-3 3"
            }
            Self::Pencil => {
                "M21.174 6.812a1 1 0 0 0-3.986-3.987L3.842 16.174a2 2 0 0 0-.5.83\
                 l-1.321 4.352a.5.5 0 0 0 .623.622l4.353-1.32a2 2 0 0 0 .83-.497zM15 5l4 4"
            }
            Self::MessageCircle => {
                "M20.5 11.5a8.5 8.5 0 0 1-12.3 7.6L3.5 20.5l1.4-4.7A8.5 8.5 0 1 1 20.5 11.5z"
            }
            Self::UserPlus => {
                "M5 8a4 4 0 1 0 8 0a4 4 0 1 0 -8 0M2 21a7 7 0 0 1 14 0M19 8v6M16 11h6"
            }
            Self::Users => {
                "M5 8a4 4 0 1 0 8 0a4 4 0 1 0 -8 0M2 21a7 7 0 0 1 14 0M16 4.2a4 4 0 0 1 0 7.6\
                 M19 14.8a7 7 0 0 1 3 6.2"
            }
            Self::Plus => "M5 12h14M12 5v14",
            Self::RefreshCw => {
                "M3 12a9 9 0 0 1 9-9 9.75 9.75 0 0 1 6.74 2.74L21 8M21 3v5h-5M21 12\
                 a9 9 0 0 1-9 9 9.75 9.75 0 0 1-6.74-2.74L3 16M8 16H3v5"
            }
            Self::RotateCw => "M21 12a9 9 0 1 1-9-9c2.52 0 4.93 1 6.74 2.74L21 8M21 3v5h-5",
            Self::Settings => {
                "M9.671 4.136\
                 a2.34 2.34 0 0 1 4.659 0 2.34 2.34 0 0 0 3.319 1.915 2.34 2.34 0 0 1 2.33 4.033 2.34 2.34 0 0 0 0 3.831 2.34 2.34 0 0 1-2.33 4.033 2.34 2.34 0 0 0-3.319 1.915 2.34 2.34 0 0 1-4.659 0 2.34 2.34 0 0 0-3.32-1.915 2.34 2.34 0 0 1-2.33-4.033 2.34 2.34 0 0 0 0-3.831\
                 A2.34 2.34 0 0 1 6.35 6.051a2.34 2.34 0 0 0 3.319-1.915M9 12a3 3 0 1 0 6 0\
                 a3 3 0 1 0 -6 0"
            }
            Self::SunMoon => {
                "M12 2v2M14.837 16.385a6 6 0 1 1-7.223-7.222c.624-.147.97.66.715 1.248\
                 a4 4 0 0 0 5.26 5.259c.589-.255 1.396.09 1.248.715M16 12a4 4 0 0 0-4-4\
                 M19 5l-1.256 1.256M20 12h2"
            }
            Self::TriangleAlert => {
                "M21.73 18l-8-14a2 2 0 0 0-3.48 0l-8 14A2 2 0 0 0 4 21h16a2 2 0 0 0 1.73-3\
                 M12 9v4M12 17h.01"
            }
            Self::Unlink => {
                "M18.84 12.25l1.72-1.71h-.02\
                 a5.004 5.004 0 0 0-.12-7.07 5.006 5.006 0 0 0-6.95 0l-1.72 1.71M5.17 11.75\
                 l-1.71 1.71a5.004 5.004 0 0 0 .12 7.07 5.006 5.006 0 0 0 6.95 0l1.71-1.71\
                 M8 2L8 5M2 8L5 8M16 19L16 22M19 16L22 16"
            }
            Self::X => "M18 6 6 18M6 6l12 12",
        }
    }
}
