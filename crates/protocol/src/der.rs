//! Just enough DER to tell one key file from another and to find the numbers of an RSA key.

/// One element: its tag and its content.
#[derive(Clone, Copy)]
pub(crate) struct Element<'a> {
    pub(crate) tag: u8,
    pub(crate) content: &'a [u8],
    /// The element with its tag and length.
    pub(crate) whole: &'a [u8],
}

pub(crate) const INTEGER: u8 = 0x02;
pub(crate) const BIT_STRING: u8 = 0x03;
pub(crate) const OCTET_STRING: u8 = 0x04;
pub(crate) const OBJECT_ID: u8 = 0x06;
pub(crate) const SEQUENCE: u8 = 0x30;
pub(crate) const CONTEXT_0: u8 = 0xa0;

/// Reads one element; the rest follows it.
pub(crate) fn read(bytes: &[u8]) -> Option<(Element<'_>, &[u8])> {
    let (&tag, after_tag) = bytes.split_first()?;
    let (&first, after_first) = after_tag.split_first()?;
    let (length, body) = if first < 0x80 {
        (usize::from(first), after_first)
    } else {
        let count = usize::from(first & 0x7f);
        if count == 0 || count > 4 || after_first.len() < count {
            return None;
        }
        let (digits, body) = after_first.split_at(count);
        let length = digits.iter().fold(0_usize, |sum, digit| (sum << 8) | usize::from(*digit));
        (length, body)
    };
    if body.len() < length {
        return None;
    }
    let (content, rest) = body.split_at(length);
    let whole = &bytes[..bytes.len() - rest.len()];
    let element = Element { tag, content, whole };
    Some((element, rest))
}

/// The elements of a sequence that is the whole input.
pub(crate) fn sequence(bytes: &[u8]) -> Option<Vec<Element<'_>>> {
    let (outer, rest) = read(bytes)?;
    (outer.tag == SEQUENCE && rest.is_empty()).then_some(())?;
    elements(outer.content)
}

/// The elements that follow one another until the end.
pub(crate) fn elements(mut bytes: &[u8]) -> Option<Vec<Element<'_>>> {
    let mut out = Vec::new();
    while !bytes.is_empty() {
        let (element, rest) = read(bytes)?;
        out.push(element);
        bytes = rest;
    }
    Some(out)
}

/// A non-negative integer's bytes without leading zeros.
pub(crate) fn magnitude<'a>(element: &Element<'a>) -> &'a [u8] {
    let zeros = element.content.iter().take_while(|byte| **byte == 0).count();
    &element.content[zeros..]
}

/// How many bits a magnitude has.
pub(crate) fn bit_length(magnitude: &[u8]) -> u32 {
    let Some(first) = magnitude.first() else {
        return 0;
    };
    let rest = u32::try_from(magnitude.len() - 1).unwrap_or(u32::MAX / 8);
    rest * 8 + (8 - first.leading_zeros())
}

/// Writes one element.
pub(crate) fn write(tag: u8, content: &[u8]) -> Vec<u8> {
    let mut out = vec![tag];
    let length = content.len();
    if let Ok(short @ 0..0x80) = u8::try_from(length) {
        out.push(short);
    } else {
        let digits = length.to_be_bytes();
        let zeros = digits.iter().take_while(|digit| **digit == 0).count();
        let count = u8::try_from(digits.len() - zeros).expect("a length has at most eight bytes");
        out.push(0x80 | count);
        out.extend_from_slice(&digits[zeros..]);
    }
    out.extend_from_slice(content);
    out
}
