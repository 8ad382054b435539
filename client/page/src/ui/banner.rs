//! A message that stays until its reason is gone, across the place it is about.

use leptos::prelude::*;

use super::{Glyph, Icon};
use crate::i18n::Text;

/// How grave something is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tone {
    /// As it should be.
    Calm,
    /// To know about; nothing is lost.
    Attention,
    /// Something may be lost.
    Danger,
}

impl Tone {
    /// As the attribute that styles look at.
    pub fn name(self) -> &'static str {
        match self {
            Self::Calm => "calm",
            Self::Attention => "attention",
            Self::Danger => "danger",
        }
    }
}

/// What has happened and what it means, with buttons for what one can do about it.
#[component]
pub fn Banner(
    /// How grave it is.
    tone: Tone,
    /// What has happened and what it means.
    #[prop(into)]
    text: Signal<Text>,
    /// Buttons.
    #[prop(optional)]
    children: Option<Children>,
) -> impl IntoView {
    view! {
        <div
            class="banner"
            data-tone=tone.name()
            role=if tone == Tone::Danger { "alert" } else { "status" }
        >
            <Icon glyph=Glyph::TriangleAlert />
            <p>{text}</p>
            {children.map(|children| view! { <div class="banner-actions">{children()}</div> })}
        </div>
    }
}
