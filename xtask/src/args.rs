//! What the verbs share in reading their command lines.

use lexopt::{Arg, Error, Parser};

/// The next option's name, without its dashes. A verb that takes options takes nothing else.
///
/// # Errors
/// Something that is no long option stands there.
pub(crate) fn option(args: &mut Parser) -> Result<Option<String>, Error> {
    match args.next()? {
        None => Ok(None),
        Some(Arg::Long(name)) => Ok(Some(name.to_owned())),
        Some(other @ (Arg::Short(_) | Arg::Value(_))) => Err(other.unexpected()),
    }
}

/// The answer to an option that the verb does not have.
pub(crate) fn unknown(option: &str) -> Error {
    Error::UnexpectedOption(format!("--{option}"))
}

/// Refuses whatever else stands on the command line.
///
/// # Errors
/// Something stands there.
pub(crate) fn none(mut args: Parser) -> Result<(), Error> {
    option(&mut args)?.map_or(Ok(()), |option| Err(unknown(&option)))
}
