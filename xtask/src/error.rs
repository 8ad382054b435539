//! What can go wrong in a command, in one sentence that says what to do next.
//!
//! It does not classify what a tool printed; `process::diagnose` does.

use std::io;
use std::path::{Path, PathBuf};

/// Why a command stopped.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Error {
    /// Something that only a person can put right; the text says what and how.
    #[error("{0}")]
    Needs(String),
    /// The project's own files or outputs are not as they must be.
    #[error("{0}")]
    Invalid(String),
    /// A program ran and reported failure.
    #[error("{}", failed_sentence(.what, .log.as_deref(), *.cause))]
    Failed {
        /// What was being done, as the subject of the sentence: "building the relay".
        what: String,
        /// The program's complete output, when it was kept.
        log: Option<PathBuf>,
        /// The end of that output.
        tail: String,
        /// A known cause found in the output.
        cause: Option<&'static str>,
    },
    /// The operating system refused something.
    #[error("cannot {what}: {source}")]
    Io {
        /// What was refused: "read target/app/app.json".
        what: String,
        /// The system's answer.
        source: io::Error,
    },
}

/// The result of everything here.
pub(crate) type Result<T, E = Error> = std::result::Result<T, E>;

impl Error {
    /// Says what was being done when the system refused.
    pub(crate) fn io(what: impl Into<String>) -> impl FnOnce(io::Error) -> Self {
        let what = what.into();
        move |source| {
            if source.kind() == io::ErrorKind::StorageFull {
                Self::Needs(format!(
                    "cannot {what}: the disk is full; free some space and run the command again"
                ))
            } else {
                Self::Io { what, source }
            }
        }
    }

    /// The end of the failing program's output, if there is any to show.
    pub(crate) fn tail(&self) -> Option<&str> {
        match self {
            Self::Failed { tail, .. } if !tail.is_empty() => Some(tail),
            Self::Failed { .. } | Self::Needs(_) | Self::Invalid(_) | Self::Io { .. } => None,
        }
    }
}

impl From<lexopt::Error> for Error {
    fn from(error: lexopt::Error) -> Self {
        Self::Needs(format!("{error}; `cargo xtask help` lists what there is"))
    }
}

fn failed_sentence(what: &str, log: Option<&Path>, cause: Option<&str>) -> String {
    let mut sentence = format!("{what} failed");
    if let Some(cause) = cause {
        sentence.push_str(": ");
        sentence.push_str(cause);
    }
    if let Some(log) = log {
        sentence.push_str(" (the whole output is in ");
        let here = std::env::current_dir().unwrap_or_default();
        let log = log.strip_prefix(&here).unwrap_or(log);
        sentence.push_str(&log.display().to_string());
        sentence.push(')');
    }
    sentence
}
