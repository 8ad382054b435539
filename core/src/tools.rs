//! The tools: what each is in the documents of a workspace. Screens are the page's; sync, keys and
//! storage do not know tools.

pub(crate) mod chat;
pub(crate) mod documents;
