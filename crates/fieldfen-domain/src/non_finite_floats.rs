//! Finds floats that JSON cannot express.
//!
//! `serde_json` writes NaN and the infinities as `null` and offers no way to refuse them. An `Option<f64>` reads that
//! `null` back as `None`.

use std::fmt;

use serde::Serialize;
use serde::ser::{
    Error, SerializeMap, SerializeSeq, SerializeStruct, SerializeStructVariant, SerializeTuple, SerializeTupleStruct,
    SerializeTupleVariant, Serializer,
};

/// The first float of the value that is NaN or infinite, with its path in the value.
pub(crate) fn find_non_finite<T: Serialize + ?Sized>(value: &T) -> Option<(String, f64)> {
    let error = serde_path_to_error::serialize(value, Finite).err()?;
    // Callers have already refused values that cannot be serialised at all.
    let found = error.inner().0?;
    Some((error.path().to_string(), found))
}

/// Accepts every value except NaN and the infinities, and writes nothing.
#[derive(Clone, Copy)]
struct Finite;

/// The float that was found; `None` for an error of the value's own serialiser.
#[derive(Debug)]
struct Found(Option<f64>);

impl fmt::Display for Found {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}", self.0)
    }
}

impl std::error::Error for Found {}

impl Error for Found {
    fn custom<T: fmt::Display>(_: T) -> Self {
        Self(None)
    }
}

type Looked = Result<(), Found>;

/// Methods that accept a scalar other than a float.
macro_rules! take {
    ($($method:ident($($of:ty),*)),+ $(,)?) => {
        $( fn $method(self, $(_: $of),*) -> Looked { Ok(()) } )+
    };
}

/// Methods that open a part of the value.
macro_rules! open {
    ($($method:ident($($of:ty),*)),+ $(,)?) => {
        $( fn $method(self, $(_: $of),*) -> Result<Self, Found> { Ok(self) } )+
    };
}

impl Serializer for Finite {
    type Ok = ();
    type Error = Found;
    type SerializeSeq = Self;
    type SerializeTuple = Self;
    type SerializeTupleStruct = Self;
    type SerializeTupleVariant = Self;
    type SerializeMap = Self;
    type SerializeStruct = Self;
    type SerializeStructVariant = Self;

    take!(
        serialize_bool(bool),
        serialize_i8(i8),
        serialize_i16(i16),
        serialize_i32(i32),
        serialize_i64(i64),
        serialize_i128(i128),
        serialize_u8(u8),
        serialize_u16(u16),
        serialize_u32(u32),
        serialize_u64(u64),
        serialize_u128(u128),
        serialize_char(char),
        serialize_str(&str),
        serialize_bytes(&[u8]),
        serialize_none(),
        serialize_unit(),
        serialize_unit_struct(&'static str),
        serialize_unit_variant(&'static str, u32, &'static str),
    );
    open!(
        serialize_seq(Option<usize>),
        serialize_tuple(usize),
        serialize_tuple_struct(&'static str, usize),
        serialize_tuple_variant(&'static str, u32, &'static str, usize),
        serialize_map(Option<usize>),
        serialize_struct(&'static str, usize),
        serialize_struct_variant(&'static str, u32, &'static str, usize),
    );

    fn serialize_f32(self, value: f32) -> Looked {
        self.serialize_f64(value.into())
    }

    fn serialize_f64(self, value: f64) -> Looked {
        if value.is_finite() { Ok(()) } else { Err(Found(Some(value))) }
    }

    fn serialize_some<T: Serialize + ?Sized>(self, value: &T) -> Looked {
        value.serialize(self)
    }

    fn serialize_newtype_struct<T: Serialize + ?Sized>(self, _: &'static str, value: &T) -> Looked {
        value.serialize(self)
    }

    fn serialize_newtype_variant<T: Serialize + ?Sized>(
        self,
        _: &'static str,
        _: u32,
        _: &'static str,
        value: &T,
    ) -> Looked {
        value.serialize(self)
    }

    fn collect_str<T: fmt::Display + ?Sized>(self, _: &T) -> Looked {
        Ok(())
    }
}

/// Parts of a value whose elements or fields are checked one by one.
macro_rules! look_into {
    ($($part:ident: $method:ident($($key:ty)?)),+ $(,)?) => {
        $(
            impl $part for Finite {
                type Ok = ();
                type Error = Found;

                fn $method<T: Serialize + ?Sized>(&mut self, $(_: $key,)? value: &T) -> Looked {
                    value.serialize(*self)
                }

                fn end(self) -> Looked {
                    Ok(())
                }
            }
        )+
    };
}

look_into!(
    SerializeSeq: serialize_element(),
    SerializeTuple: serialize_element(),
    SerializeTupleStruct: serialize_field(),
    SerializeTupleVariant: serialize_field(),
    SerializeStruct: serialize_field(&'static str),
    SerializeStructVariant: serialize_field(&'static str),
);

impl SerializeMap for Finite {
    type Ok = ();
    type Error = Found;

    fn serialize_key<T: Serialize + ?Sized>(&mut self, key: &T) -> Looked {
        key.serialize(*self)
    }

    fn serialize_value<T: Serialize + ?Sized>(&mut self, value: &T) -> Looked {
        value.serialize(*self)
    }

    fn end(self) -> Looked {
        Ok(())
    }
}
