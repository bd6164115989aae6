//! Writes JSON members in the order in which they are named: what a merchant reads is laid out as in the reference.

use money::Amount;

/// An object being written.
///
/// ```
/// let mut object = contract::json::ObjectWriter::default();
/// object.text("state", "a \"b\"").object("additionalInfo", |info| {
///     info.amount("total", money::Amount::rupiah(5));
/// });
/// assert_eq!(
///     object.finish(),
///     r#"{"state":"a \"b\"","additionalInfo":{"total":{"value":"5.00","currency":"IDR"}}}"#,
/// );
/// ```
#[derive(Debug)]
pub struct ObjectWriter {
    out: String,
}

impl Default for ObjectWriter {
    fn default() -> Self {
        Self::over(String::with_capacity(512))
    }
}

impl ObjectWriter {
    fn over(mut out: String) -> Self {
        out.push('{');
        Self { out }
    }

    /// A string.
    pub fn text(&mut self, name: &str, value: &str) -> &mut Self {
        self.name(name);
        push_string(&mut self.out, value);
        self
    }

    /// A string, or no member at all.
    pub fn optional(&mut self, name: &str, value: Option<&str>) -> &mut Self {
        if let Some(value) = value {
            self.text(name, value);
        }
        self
    }

    /// `{"value":"150000.00","currency":"IDR"}`.
    pub fn amount(&mut self, name: &str, amount: Amount) -> &mut Self {
        self.object(name, |object| {
            object.text("value", &amount.snap_text()).text("currency", money::Currency::Idr.code());
        })
    }

    /// JSON text that is written already.
    pub fn raw(&mut self, name: &str, json: &str) -> &mut Self {
        self.name(name);
        self.out.push_str(json);
        self
    }

    /// An amount, if there is one.
    pub fn optional_amount(&mut self, name: &str, amount: Option<Amount>) -> &mut Self {
        if let Some(amount) = amount {
            self.amount(name, amount);
        }
        self
    }

    /// An object within.
    pub fn object(&mut self, name: &str, fill: impl FnOnce(&mut Self)) -> &mut Self {
        self.name(name);
        self.fill(fill);
        self
    }

    /// An array of objects.
    pub fn array<T>(
        &mut self,
        name: &str,
        items: impl IntoIterator<Item = T>,
        mut fill: impl FnMut(T, &mut Self),
    ) -> &mut Self {
        self.name(name);
        self.out.push('[');
        for (place, item) in items.into_iter().enumerate() {
            if place > 0 {
                self.out.push(',');
            }
            self.fill(|object| fill(item, object));
        }
        self.out.push(']');
        self
    }

    /// The text.
    pub fn finish(mut self) -> String {
        self.out.push('}');
        self.out
    }

    fn fill(&mut self, fill: impl FnOnce(&mut Self)) {
        let mut inner = Self::over(std::mem::take(&mut self.out));
        fill(&mut inner);
        self.out = inner.finish();
    }

    fn name(&mut self, name: &str) {
        if !self.out.ends_with('{') {
            self.out.push(',');
        }
        push_string(&mut self.out, name);
        self.out.push(':');
    }
}

/// Appends a JSON string, quotation marks included.
pub fn push_string(out: &mut String, text: &str) {
    out.push('"');
    let mut rest = text;
    while let Some(at) = rest.bytes().position(|byte| byte < 0x20 || byte == b'"' || byte == b'\\') {
        out.push_str(&rest[..at]);
        match rest.as_bytes()[at] {
            b'"' => out.push_str("\\\""),
            b'\\' => out.push_str("\\\\"),
            b'\n' => out.push_str("\\n"),
            byte => out.push_str(&format!("\\u{byte:04x}")),
        }
        rest = &rest[at + 1..];
    }
    out.push_str(rest);
    out.push('"');
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn writes_nested_members_in_order() {
        let mut object = ObjectWriter::default();
        object
            .text("a", "1")
            .optional("b", None)
            .array("c", ["x", "y"], |item, object| {
                object.text("d", item);
            })
            .object("e", |_| ())
            .raw("f", "[1]");
        assert_eq!(object.finish(), r#"{"a":"1","c":[{"d":"x"},{"d":"y"}],"e":{},"f":[1]}"#);
    }

    proptest! {
        #[test]
        fn every_text_reads_back(text in any::<String>()) {
            let mut out = String::new();
            push_string(&mut out, &text);
            let read: String = serde_json::from_str(&out).expect("a JSON string");
            prop_assert_eq!(read, text);
        }
    }
}
