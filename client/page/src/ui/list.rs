//! Rows of which each keeps its elements as long as its key stays.
//!
//! What Leptos makes of a list is large, and made anew for every type of row. So all lists become one of rows that
//! make themselves.

use std::hash::{Hash, Hasher};

use leptos::prelude::*;

/// A row that has not been looked at.
struct Row {
    key: Vec<u8>,
    make: Box<dyn FnOnce() -> AnyView + Send>,
}

/// A list, without an element around it.
#[component]
pub fn List<T, K, V>(
    /// What the rows are of.
    each: impl Fn() -> Vec<T> + Send + 'static,
    /// What a row is known by. One that shows something else has another key.
    key: impl Fn(&T) -> K + Send + 'static,
    /// A row.
    children: impl Fn(T) -> V + Send + Clone + 'static,
) -> impl IntoView
where
    T: Send + 'static,
    K: Hash,
    V: IntoAny + 'static,
{
    let row = move |item: T| {
        let children = children.clone();
        let mut bytes = Bytes(Vec::new());
        key(&item).hash(&mut bytes);
        Row {
            key: bytes.0,
            make: Box::new(move || children(item).into_any()),
        }
    };
    list(Box::new(move || each().into_iter().map(&row).collect()))
}

fn list(rows: Box<dyn Fn() -> Vec<Row> + Send>) -> AnyView {
    view! { <For each=rows key=|row| row.key.clone() children=|row: Row| (row.make)() /> }
        .into_any()
}

/// Takes what is to be hashed as it is: two keys are the same when they are equal, not when somebody has found two that
/// look alike.
struct Bytes(Vec<u8>);

impl Hasher for Bytes {
    fn write(&mut self, bytes: &[u8]) {
        self.0.extend_from_slice(bytes);
    }

    fn finish(&self) -> u64 {
        0
    }
}
