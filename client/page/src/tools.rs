//! The tools of a workspace, a folder each. A tool draws its views and sends its commands; what they mean is the
//! engine's business.

pub mod chat;
pub mod documents;
