//! Bytes of values that are signed, sealed or stored: CBOR with numbered fields, one encoding per
//! value.
//!
//! The crate `minicbor` reads and writes CBOR; how a type of ours lies in it is told by `coded!` (decision 19).

use minicbor::data::Type;
use thiserror::Error;

/// Not the one encoding of any value of this type.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("malformed")]
pub struct Malformed;

/// A value that has an encoding.
pub trait Encode {
    /// Appends it.
    fn encode(&self, to: &mut Writer);

    /// Whether it is left out where it would be the last field.
    fn is_absent(&self) -> bool {
        false
    }
}

/// What an encoding is read as.
pub trait Decode: Sized {
    /// Reads one value. What it accepts need not be the one encoding: whoever reads the whole sees to that.
    fn decode(from: &mut Reader<'_>) -> Option<Self>;

    /// What a field is that was left out.
    fn absent() -> Option<Self> {
        None
    }
}

/// Where values are written.
pub struct Writer(minicbor::Encoder<Vec<u8>>);

/// Where values are read from.
pub struct Reader<'b>(minicbor::Decoder<'b>);

/// The fields of a value that are still to be read.
pub struct Fields<'a, 'b> {
    from: &'a mut Reader<'b>,
    left: u64,
}

/// The value's bytes.
pub fn to_bytes(value: &dyn Encode) -> Vec<u8> {
    // Most values are shorter.
    let mut bytes = Vec::with_capacity(512);
    append(&mut bytes, value);
    bytes
}

/// Appends the value's bytes.
pub(crate) fn append(bytes: &mut Vec<u8>, value: &dyn Encode) {
    let mut writer = Writer(minicbor::Encoder::new(core::mem::take(bytes)));
    value.encode(&mut writer);
    *bytes = writer.0.into_writer();
}

/// Reads what [`to_bytes`] makes, and nothing else: no trailing bytes, no overlong numbers, no
/// unknown fields.
pub(crate) fn from_bytes<T: Decode + Encode>(bytes: &[u8]) -> Result<T, Malformed> {
    let value = T::decode(&mut Reader(minicbor::Decoder::new(bytes))).ok_or(Malformed)?;
    if to_bytes(&value) == bytes {
        Ok(value)
    } else {
        Err(Malformed)
    }
}

// Writing to a vector cannot fail, so what each of these returns says nothing.
impl Writer {
    fn number(&mut self, number: u64) {
        let _: Result<_, _> = self.0.u64(number);
    }

    fn bytes(&mut self, bytes: &[u8]) {
        let _: Result<_, _> = self.0.bytes(bytes);
    }

    /// The beginning of `len` values in a row.
    fn array(&mut self, len: usize) {
        let _: Result<_, _> = self.0.array(len as u64);
    }

    /// An array of the variant's number and an array of its fields.
    pub(crate) fn variant(&mut self, number: u32, fields: &[&dyn Encode]) {
        self.array(2);
        number.encode(self);
        self.fields(fields);
    }

    /// An array of fields, without the last ones that are absent.
    pub(crate) fn fields(&mut self, fields: &[&dyn Encode]) {
        let last = fields.iter().rposition(|field| !field.is_absent());
        let present = last.map_or(0, |last| last + 1);
        self.array(present);
        for field in fields.iter().take(present) {
            field.encode(self);
        }
    }
}

impl<'b> Reader<'b> {
    fn number(&mut self) -> Option<u64> {
        self.0.u64().ok()
    }

    fn bytes(&mut self) -> Option<&'b [u8]> {
        self.0.bytes().ok()
    }

    /// How many values follow in a row.
    fn array(&mut self) -> Option<u64> {
        // One without a length is never the one encoding.
        self.0.array().ok().flatten()
    }

    /// The variant's number, and its fields.
    pub(crate) fn variant(&mut self) -> Option<(u32, Fields<'_, 'b>)> {
        if self.array()? != 2 {
            return None;
        }
        Some((u32::decode(self)?, self.fields()?))
    }

    /// An array of fields, to be read one after the other.
    pub(crate) fn fields(&mut self) -> Option<Fields<'_, 'b>> {
        let left = self.array()?;
        Some(Fields { from: self, left })
    }
}

impl Fields<'_, '_> {
    /// The next field.
    pub(crate) fn next<T: Decode>(&mut self) -> Option<T> {
        match self.left.checked_sub(1) {
            Some(left) => {
                self.left = left;
                T::decode(self.from)
            }
            None => T::absent(),
        }
    }
}

/// Tells how a type is encoded. Fields have their numbers by their order, from 0, and so have their places in an array;
/// a field that is added later comes last, and is an [`Option`]. In an enum each variant has its number:
///
/// * `struct`: the array of the fields;
/// * `enum`: an array of the variant's number and the array of its fields;
/// * `flat enum`: one array of the variant's number and then its fields;
/// * `index enum`: the number alone, of variants without fields;
/// * `bytes`: a byte string, of a type that holds an array of bytes and nothing else.
macro_rules! coded {
    (struct $name:ident { $($field:tt),* $(,)? }) => {
        impl $crate::codec::Encode for $name {
            fn encode(&self, to: &mut $crate::codec::Writer) {
                to.fields(&[$(&self.$field),*]);
            }
        }

        impl $crate::codec::Decode for $name {
            fn decode(from: &mut $crate::codec::Reader<'_>) -> Option<Self> {
                let mut fields = from.fields()?;
                Some(Self { $($field: fields.next()?),* })
            }
        }
    };
    (enum $name:ident { $($number:literal => $variant:ident
        $(($($unnamed:ident),*))? $({ $($named:ident),* $(,)? })?),* $(,)? }) => {
        impl $crate::codec::Encode for $name {
            fn encode(&self, to: &mut $crate::codec::Writer) {
                match self {
                    $(Self::$variant $(($($unnamed),*))? $({ $($named),* })? => to.variant(
                        $number,
                        &[$($($unnamed),*)? $($($named),*)?],
                    ),)*
                }
            }
        }

        impl $crate::codec::Decode for $name {
            fn decode(from: &mut $crate::codec::Reader<'_>) -> Option<Self> {
                let (number, mut fields) = from.variant()?;
                $crate::codec::coded!(@variants number, fields, {
                    $($number => $variant $(($($unnamed),*))? $({ $($named),* })?),*
                })
            }
        }
    };
    (flat enum $name:ident { $($number:literal => $variant:ident
        $(($($unnamed:ident),*))? $({ $($named:ident),* $(,)? })?),* $(,)? }) => {
        impl $crate::codec::Encode for $name {
            fn encode(&self, to: &mut $crate::codec::Writer) {
                match self {
                    $(Self::$variant $(($($unnamed),*))? $({ $($named),* })? => to.fields(
                        &[
                            {
                                const NUMBER: u32 = $number;
                                &NUMBER
                            },
                            $($($unnamed),*)? $($($named),*)?
                        ],
                    ),)*
                }
            }
        }

        impl $crate::codec::Decode for $name {
            fn decode(from: &mut $crate::codec::Reader<'_>) -> Option<Self> {
                let mut fields = from.fields()?;
                let number: u32 = fields.next()?;
                $crate::codec::coded!(@variants number, fields, {
                    $($number => $variant $(($($unnamed),*))? $({ $($named),* })?),*
                })
            }
        }
    };
    (@variants $from:ident, $fields:ident, { $($number:literal => $variant:ident
        $(($($unnamed:ident),*))? $({ $($named:ident),* })?),* }) => {
        match $from {
            $($number => {
                $($(let $unnamed = $fields.next()?;)*)?
                $($(let $named = $fields.next()?;)*)?
                Some(Self::$variant $(($($unnamed),*))? $({ $($named),* })?)
            })*
            _ => None,
        }
    };
    (index enum $name:ident { $($number:literal => $variant:ident),* $(,)? }) => {
        impl $crate::codec::Encode for $name {
            fn encode(&self, to: &mut $crate::codec::Writer) {
                let number: u32 = match self {
                    $(Self::$variant => $number),*
                };
                number.encode(to);
            }
        }

        impl $crate::codec::Decode for $name {
            fn decode(from: &mut $crate::codec::Reader<'_>) -> Option<Self> {
                match u32::decode(from)? {
                    $($number => Some(Self::$variant),)*
                    _ => None,
                }
            }
        }
    };
    (bytes $name:ident) => {
        impl $crate::codec::Encode for $name {
            fn encode(&self, to: &mut $crate::codec::Writer) {
                self.0.encode(to);
            }
        }

        impl $crate::codec::Decode for $name {
            fn decode(from: &mut $crate::codec::Reader<'_>) -> Option<Self> {
                Some(Self($crate::codec::Decode::decode(from)?))
            }
        }
    };
}
pub(crate) use coded;

/// Fixed-length bytes as a CBOR byte string.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Fixed<const N: usize>(pub [u8; N]);

/// Any bytes as a CBOR byte string.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Blob(pub Vec<u8>);

impl<const N: usize> Encode for [u8; N] {
    fn encode(&self, to: &mut Writer) {
        to.bytes(self);
    }
}

impl<const N: usize> Decode for [u8; N] {
    fn decode(from: &mut Reader<'_>) -> Option<Self> {
        from.bytes()?.try_into().ok()
    }
}

impl<const N: usize> Encode for Fixed<N> {
    fn encode(&self, to: &mut Writer) {
        to.bytes(&self.0);
    }
}

impl<const N: usize> Decode for Fixed<N> {
    fn decode(from: &mut Reader<'_>) -> Option<Self> {
        from.bytes()?.try_into().ok().map(Self)
    }
}

impl Encode for Blob {
    fn encode(&self, to: &mut Writer) {
        to.bytes(&self.0);
    }
}

impl Decode for Blob {
    fn decode(from: &mut Reader<'_>) -> Option<Self> {
        from.bytes().map(|bytes| Self(bytes.to_vec()))
    }
}

impl Encode for u64 {
    fn encode(&self, to: &mut Writer) {
        to.number(*self);
    }
}

impl Decode for u64 {
    fn decode(from: &mut Reader<'_>) -> Option<Self> {
        from.number()
    }
}

macro_rules! narrower_numbers {
    ($($number:ident),*) => {$(
        impl Encode for $number {
            fn encode(&self, to: &mut Writer) {
                to.number(u64::from(*self));
            }
        }

        impl Decode for $number {
            fn decode(from: &mut Reader<'_>) -> Option<Self> {
                from.number()?.try_into().ok()
            }
        }
    )*};
}
narrower_numbers!(u8, u16, u32);

impl Encode for bool {
    fn encode(&self, to: &mut Writer) {
        let _: Result<_, _> = to.0.bool(*self);
    }
}

impl Decode for bool {
    fn decode(from: &mut Reader<'_>) -> Option<Self> {
        from.0.bool().ok()
    }
}

impl Encode for String {
    fn encode(&self, to: &mut Writer) {
        let _: Result<_, _> = to.0.str(self);
    }
}

impl Decode for String {
    fn decode(from: &mut Reader<'_>) -> Option<Self> {
        from.0.str().ok().map(str::to_owned)
    }
}

impl<T: Encode> Encode for Option<T> {
    fn encode(&self, to: &mut Writer) {
        match self {
            Some(value) => value.encode(to),
            None => {
                let _: Result<_, _> = to.0.null();
            }
        }
    }

    fn is_absent(&self) -> bool {
        self.is_none()
    }
}

impl<T: Decode> Decode for Option<T> {
    fn decode(from: &mut Reader<'_>) -> Option<Self> {
        if from.0.datatype().ok()? == Type::Null {
            from.0.null().ok().map(|()| None)
        } else {
            T::decode(from).map(Some)
        }
    }

    fn absent() -> Option<Self> {
        Some(None)
    }
}

impl<T: Encode> Encode for Vec<T> {
    fn encode(&self, to: &mut Writer) {
        to.array(self.len());
        for value in self {
            value.encode(to);
        }
    }
}

impl<T: Decode> Decode for Vec<T> {
    fn decode(from: &mut Reader<'_>) -> Option<Self> {
        // Nothing is set aside for values that are announced only.
        let mut values = Self::new();
        for _ in 0..from.array()? {
            values.push(T::decode(from)?);
        }
        Some(values)
    }
}

impl<T: Encode> Encode for Box<T> {
    fn encode(&self, to: &mut Writer) {
        (**self).encode(to);
    }
}

impl<T: Decode> Decode for Box<T> {
    fn decode(from: &mut Reader<'_>) -> Option<Self> {
        T::decode(from).map(Self::new)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Clone, Debug, PartialEq, Eq)]
    struct Parcel {
        weight: u16,
        note: Option<String>,
        mark: Option<Fixed<2>>,
    }

    coded!(struct Parcel { weight, note, mark });

    #[derive(Clone, Debug, PartialEq, Eq)]
    enum Step {
        Load(Parcel),
        Drive { from: u8, to: Option<u8> },
    }

    coded!(enum Step {
        0 => Load(parcel),
        2 => Drive { from, to },
    });

    #[derive(Clone, Debug, PartialEq, Eq)]
    enum Word {
        Stop,
        Go(Option<u8>, bool),
    }

    coded!(flat enum Word {
        0 => Stop,
        1 => Go(pace, gently),
    });

    /// The bytes are those of the value, and are read as it.
    #[track_caller]
    fn is<T: Encode + Decode + PartialEq + core::fmt::Debug>(value: &T, bytes: &[u8]) {
        assert_eq!(to_bytes(value), bytes);
        assert_eq!(from_bytes::<T>(bytes).as_ref(), Ok(value));
    }

    fn parcel(note: Option<&str>, mark: Option<[u8; 2]>) -> Parcel {
        Parcel {
            weight: 300,
            note: note.map(str::to_owned),
            mark: mark.map(Fixed),
        }
    }

    #[test]
    fn what_is_absent_at_the_end_is_left_out() {
        is(&parcel(None, None), b"\x81\x19\x01\x2c");
        is(&parcel(Some("a"), None), b"\x82\x19\x01\x2c\x61a");
        is(
            &parcel(None, Some([1, 2])),
            b"\x83\x19\x01\x2c\xf6\x42\x01\x02",
        );
    }

    #[test]
    fn enums_are_told_by_their_numbers() {
        is(
            &Step::Load(parcel(None, None)),
            b"\x82\x00\x81\x81\x19\x01\x2c",
        );
        is(&Step::Drive { from: 1, to: None }, b"\x82\x02\x81\x01");
        is(&Word::Stop, b"\x81\x00");
        is(&Word::Go(None, true), b"\x83\x01\xf6\xf5");
        assert_eq!(from_bytes::<Step>(b"\x82\x01\x81\x01"), Err(Malformed));
        assert_eq!(from_bytes::<Word>(b"\x81\x02"), Err(Malformed));
    }

    #[test]
    fn nothing_else_is_read_as_the_value() {
        for (bytes, what) in [
            (&b""[..], "nothing"),
            (b"\x80", "a field that must be there is not"),
            (b"\x81\x19\x01", "cut short"),
            (b"\x81\x19\x01\x2c\x00", "bytes after it"),
            (b"\x82\x19\x01\x2c\xf6", "an absent field that is there"),
            (b"\x84\x19\x01\x2c\xf6\x42\x01\x02\x00", "an unknown field"),
            (b"\x84\x19\x01\x2c\xf6\x42\x01\x02\xf6", "one that is null"),
            (b"\x81\x1a\x00\x00\x01\x2c", "a number that is too long"),
            (b"\x81\x1a\x00\x01\x00\x00", "a number that is too large"),
            (b"\x9f\x19\x01\x2c\xff", "an array without a length"),
            (b"\x98\x01\x19\x01\x2c", "a length that is too long"),
            (b"\x83\x19\x01\x2c\xf6\x43\x01\x02\x03", "too many bytes"),
            (b"\x82\x19\x01\x2c\x61\xff", "a text that is none"),
            (
                b"\x9b\xff\xff\xff\xff\xff\xff\xff\xff\x19\x01\x2c",
                "far too many fields",
            ),
        ] {
            assert_eq!(from_bytes::<Parcel>(bytes), Err(Malformed), "{what}");
        }
        let more = b"\x9b\xff\xff\xff\xff\xff\xff\xff\xff\x01";
        assert_eq!(from_bytes::<Vec<u8>>(more), Err(Malformed));
    }
}
