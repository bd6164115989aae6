//! Names what differs when a hash signature does not match: the usual mistakes are tried, alone and in pairs, until one
//! gives the signature that was sent. A match is certain and not a guess. The key never appears, not even in part.

use std::fmt;

use serde::Serialize;

use crate::digest;

use super::{Part, SEPARATOR, is_signature, sign};

/// What stands in an explanation where the key was.
pub const KEY_MASK: &str = "<KEY>";

macro_rules! differences {
    ($($name:ident $clause:literal $advice:literal;)*) => {
        /// One thing that a sender did differently.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
        #[serde(rename_all = "camelCase")]
        pub enum HashDifference {
            $(#[doc = concat!("The signature matches if ", $clause, ".")] $name,)*
        }

        impl HashDifference {
            /// Every known difference.
            pub const ALL: &'static [Self] = &[$(Self::$name),*];

            /// What follows "the signature matches if".
            pub fn clause(self) -> &'static str {
                match self { $(Self::$name => $clause,)* }
            }

            /// What to do instead: a sentence.
            pub fn advice(self) -> &'static str {
                match self { $(Self::$name => $advice,)* }
            }
        }
    };
}

differences! {
    KeyFirst "the key is the first part" "The key comes last; only the payment gateway's scheme has it first.";
    KeyLeftOut "the key is left out" "The key is the last part.";
    KeyWord "the literal word key stands before the key" "An older page prints it; leave it out.";
    PasswordAsKey "the password is used as the key" "Sign with the signature key, which is not the password of the form.";
    BasicPasswordAsKey "the password of the Basic authentication is used as the key" "Sign with the signature key.";
    NotUpperCased "the string is not in upper case" "Upper-case the whole string, the key included, before hashing.";
    LowerCased "the string is in lower case" "Upper-case the whole string before hashing.";
    KeyNotUpperCased "all but the key is in upper case" "Upper-case the whole string, the key included.";
    OuterSeparatorsMissing "the first and the last ## are missing" "The string begins and ends with ##.";
    FirstSeparatorMissing "the first ## is missing" "The string begins with ##.";
    LastSeparatorMissing "the last ## is missing" "The string ends with ##.";
    SingleSeparator "the parts are joined by a single #" "Join the parts by ##.";
    NoSeparator "the parts are joined without ##" "Join the parts by ##.";
    PartMissing "a part is left out" "Every part of the list takes its place, in the order of the list.";
    OrderDiffers "the parts are in another order" "Keep the order of the list.";
    PartTrimmed "blanks around a value are left out" "Sign the very text that is sent.";
    DateAdded "the rq_datetime is a part" "The date is no part of this service's string.";
    AmountInRupiah "the amount is in rupiah" "Sign the very text of the field, hundredths of a rupiah.";
    AmountInHundredths "the amount is in hundredths of a rupiah" "Sign the very text of the field.";
    AmountWithDecimals "the amount is written with decimals" "Sign the very text of the field.";
    AmountLeftOut "the amount is left out, as for the inquiry" "Bill Payment has the amount between product and rq_uuid.";
}

/// What else is known about the sender; makes more mistakes recognisable.
#[derive(Clone, Copy, Default)]
pub struct HashAids<'a> {
    /// The password of the form.
    pub password: Option<&'a str>,
    /// The password of the Basic authentication.
    pub basic_password: Option<&'a str>,
    /// The text of `rq_datetime`.
    pub datetime: Option<&'a str>,
}

/// A mistake, or two, under which the signature is right.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct HashVariant {
    /// What the sender did differently.
    pub differences: Vec<HashDifference>,
    /// The string that the sender hashed, the key masked.
    pub hashed_string: String,
    /// What to do instead.
    pub advice: String,
}

/// Everything that a sender needs to find their mistake.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct HashExplanation {
    /// The parts by name, in their order; the key is behind them.
    pub parts: Vec<String>,
    /// The string that we hash for this request, the key masked.
    pub string_to_hash: String,
    /// Its SHA-256 with the newest key in its place; absent without a key.
    pub sha256: Option<String>,
    /// The signature as sent.
    pub signature: String,
    /// Whether the signature is right.
    pub verified: bool,
    /// The first known mistake that gives the signature, when it is not right.
    pub matches: Option<HashVariant>,
}

impl HashExplanation {
    /// One sentence that says it all.
    pub fn summary(&self) -> String {
        if self.verified {
            return "the signature is right".to_owned();
        }
        match &self.matches {
            Some(variant) => {
                let clauses: Vec<&str> = variant.differences.iter().map(|difference| difference.clause()).collect();
                format!("the signature matches if {}", clauses.join(" and "))
            }
            None if !is_signature(&self.signature) => "the signature is not 64 hexadecimal digits".to_owned(),
            None => "no known mistake gives this signature: compare key and values".to_owned(),
        }
    }
}

impl fmt::Display for HashExplanation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{}", self.summary())?;
        writeln!(f, "parts           {}, key", self.parts.join(", "))?;
        writeln!(f, "string to hash  {}", self.string_to_hash)?;
        if let Some(sha256) = &self.sha256 {
            writeln!(f, "SHA-256         {sha256}")?;
        }
        writeln!(f, "signature       {}", self.signature)?;
        match &self.matches {
            Some(variant) => {
                writeln!(f, "hashed string   {}", variant.hashed_string)?;
                write!(f, "{}", variant.advice)
            }
            None => Ok(()),
        }
    }
}

/// Explains a signature over these parts. Meant for the sandbox and for the command line: it says what the right
/// signature is.
pub fn explain(parts: &[Part<'_>], keys: &[&str], signature: &str, aids: HashAids<'_>) -> HashExplanation {
    let wanted = signature.trim().to_ascii_lowercase();
    let right = |key: &&str| sign(parts.iter().map(|part| part.value), key);
    let verified = keys.iter().any(|key| right(key) == wanted);
    let matches = (!verified && is_signature(&wanted)).then(|| find(parts, keys, &wanted, aids)).flatten();
    HashExplanation {
        parts: parts.iter().map(|part| part.name.to_owned()).collect(),
        string_to_hash: Shape::right(parts).masked(),
        sha256: keys.first().map(right),
        signature: signature.to_owned(),
        verified,
        matches,
    }
}

/// A string as a sender may have built it.
#[derive(Clone)]
struct Shape {
    /// The values, with a place for the key.
    items: Vec<Item>,
    case: Case,
    separators: Separators,
    differences: Vec<HashDifference>,
}

#[derive(Clone, PartialEq)]
enum Item {
    Value { name: String, text: String },
    Key,
    Secret(String),
}

#[derive(Clone, Copy, PartialEq)]
enum Case {
    Upper,
    AsIs,
    Lower,
    UpperButKey,
}

#[derive(Clone, Copy, PartialEq)]
enum Separators {
    Right,
    Inner,
    NoFirst,
    NoLast,
    Single,
    None,
}

impl Shape {
    fn right(parts: &[Part<'_>]) -> Self {
        let value = |part: &Part<'_>| Item::Value { name: part.name.to_owned(), text: part.value.to_owned() };
        let items = parts.iter().map(value).chain([Item::Key]).collect();
        Self { items, case: Case::Upper, separators: Separators::Right, differences: vec![] }
    }

    fn text(&self, key: &str) -> String {
        let cased = |item: &Item| match item {
            Item::Value { text, .. } => self.cased(text, false),
            Item::Key => self.cased(key, true),
            Item::Secret(secret) => self.cased(secret, true),
        };
        self.join(self.items.iter().map(cased).collect())
    }

    /// The string with every secret masked.
    fn masked(&self) -> String {
        let cased = |item: &Item| match item {
            Item::Value { text, .. } => self.cased(text, false),
            Item::Key | Item::Secret(_) => KEY_MASK.to_owned(),
        };
        self.join(self.items.iter().map(cased).collect())
    }

    fn cased(&self, text: &str, is_key: bool) -> String {
        match self.case {
            Case::Upper => text.to_ascii_uppercase(),
            Case::AsIs => text.to_owned(),
            Case::Lower => text.to_ascii_lowercase(),
            Case::UpperButKey if is_key => text.to_owned(),
            Case::UpperButKey => text.to_ascii_uppercase(),
        }
    }

    fn join(&self, items: Vec<String>) -> String {
        let inner = items.join(match self.separators {
            Separators::Single => "#",
            Separators::None => "",
            Separators::Right | Separators::Inner | Separators::NoFirst | Separators::NoLast => SEPARATOR,
        });
        let (first, last) = match self.separators {
            Separators::Right => (SEPARATOR, SEPARATOR),
            Separators::NoFirst => ("", SEPARATOR),
            Separators::NoLast => (SEPARATOR, ""),
            Separators::Single => ("#", "#"),
            Separators::Inner | Separators::None => ("", ""),
        };
        format!("{first}{inner}{last}")
    }

    fn differing(&self, difference: HashDifference, change: impl FnOnce(&mut Self)) -> Self {
        let mut shape = self.clone();
        change(&mut shape);
        shape.differences.push(difference);
        shape
    }

    /// The shapes one mistake away.
    fn mistaken(&self, aids: HashAids<'_>) -> Vec<Self> {
        let mut shapes = self.mistaken_form();
        shapes.extend(self.mistaken_key(aids));
        shapes.extend(self.mistaken_amount());
        shapes.extend(self.mistaken_parts(aids));
        shapes
    }

    fn mistaken_form(&self) -> Vec<Self> {
        use HashDifference as D;
        let cased = |difference, case| self.differing(difference, |shape| shape.case = case);
        let separated = |difference, separators| self.differing(difference, |shape| shape.separators = separators);
        let mut shapes = vec![];
        if self.case == Case::Upper {
            shapes.extend([
                cased(D::NotUpperCased, Case::AsIs),
                cased(D::LowerCased, Case::Lower),
                cased(D::KeyNotUpperCased, Case::UpperButKey),
            ]);
        }
        if self.separators == Separators::Right {
            shapes.extend([
                separated(D::OuterSeparatorsMissing, Separators::Inner),
                separated(D::FirstSeparatorMissing, Separators::NoFirst),
                separated(D::LastSeparatorMissing, Separators::NoLast),
                separated(D::SingleSeparator, Separators::Single),
                separated(D::NoSeparator, Separators::None),
            ]);
        }
        shapes
    }

    fn mistaken_key(&self, aids: HashAids<'_>) -> Vec<Self> {
        use HashDifference as D;
        let Some(place) = self.items.iter().position(|item| *item == Item::Key) else {
            return vec![];
        };
        let secret = |difference, text: &str| {
            self.differing(difference, |shape| shape.items[place] = Item::Secret(text.to_owned()))
        };
        let word = || Item::Value { name: "key".to_owned(), text: "key".to_owned() };
        let mut shapes = vec![
            self.differing(D::KeyFirst, |shape| {
                let key = shape.items.remove(place);
                shape.items.insert(0, key);
            }),
            self.differing(D::KeyLeftOut, |shape| drop(shape.items.remove(place))),
            self.differing(D::KeyWord, |shape| shape.items.insert(place, word())),
        ];
        shapes.extend(aids.password.map(|password| secret(D::PasswordAsKey, password)));
        shapes.extend(aids.basic_password.map(|password| secret(D::BasicPasswordAsKey, password)));
        shapes
    }

    fn mistaken_amount(&self) -> Vec<Self> {
        use HashDifference as D;
        let amount = |item: &Item| matches!(item, Item::Value { name, .. } if name == "amount");
        let Some(place) = self.items.iter().position(amount) else {
            return vec![];
        };
        let Item::Value { text, .. } = &self.items[place] else {
            return vec![];
        };
        let put = |difference, text: String| {
            self.differing(difference, |shape| {
                shape.items[place] = Item::Value { name: "amount".to_owned(), text };
            })
        };
        let digits: String = text.chars().filter(char::is_ascii_digit).collect();
        let is_plain = digits.len() == text.len();
        let mut shapes = vec![self.differing(D::AmountLeftOut, |shape| drop(shape.items.remove(place)))];
        let Some(rupiah) = digits.strip_suffix("00").filter(|rupiah| !rupiah.is_empty()) else {
            return shapes;
        };
        shapes.push(put(D::AmountInRupiah, rupiah.to_owned()));
        shapes.push(put(D::AmountInHundredths, if is_plain { format!("{digits}00") } else { digits.clone() }));
        for decimals in [format!("{rupiah}.00"), format!("{},00", grouped(rupiah)), format!("{digits}.00")] {
            shapes.push(put(D::AmountWithDecimals, decimals));
        }
        shapes
    }

    fn mistaken_parts(&self, aids: HashAids<'_>) -> Vec<Self> {
        use HashDifference as D;
        let mut shapes = vec![];
        for (place, item) in self.items.iter().enumerate() {
            let Item::Value { name, text } = item else { continue };
            if name != "amount" {
                shapes.push(self.differing(D::PartMissing, |shape| drop(shape.items.remove(place))));
            }
            if text.trim() != text {
                let trimmed = Item::Value { name: name.clone(), text: text.trim().to_owned() };
                shapes.push(self.differing(D::PartTrimmed, |shape| shape.items[place] = trimmed));
            }
            if let Some(datetime) = aids.datetime {
                let date = Item::Value { name: "rq_datetime".to_owned(), text: datetime.to_owned() };
                shapes.push(self.differing(D::DateAdded, |shape| shape.items.insert(place + 1, date)));
            }
        }
        if !self.differences.contains(&D::OrderDiffers) {
            shapes.extend(self.orders());
        }
        shapes
    }

    /// Every other order of the values, the key staying where it is; of at most five.
    fn orders(&self) -> Vec<Self> {
        const VALUES_MAX: usize = 5;
        let places: Vec<usize> =
            (0..self.items.len()).filter(|place| matches!(self.items[*place], Item::Value { .. })).collect();
        if places.len() > VALUES_MAX {
            return vec![];
        }
        permutations(&places)
            .into_iter()
            .filter(|order| *order != places)
            .map(|order| {
                self.differing(HashDifference::OrderDiffers, |shape| {
                    for (to, from) in places.iter().zip(&order) {
                        shape.items[*to] = self.items[*from].clone();
                    }
                })
            })
            .collect()
    }
}

fn permutations(items: &[usize]) -> Vec<Vec<usize>> {
    if items.is_empty() {
        return vec![vec![]];
    }
    let mut all = vec![];
    for (place, item) in items.iter().enumerate() {
        let rest: Vec<usize> = items.iter().enumerate().filter(|(at, _)| *at != place).map(|(_, item)| *item).collect();
        all.extend(permutations(&rest).into_iter().map(|mut order| {
            order.insert(0, *item);
            order
        }));
    }
    all
}

/// `150.000` of `150000`.
fn grouped(digits: &str) -> String {
    let mut out = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            out.push('.');
        }
        out.push(digit);
    }
    out
}

/// The first shape with one mistake, else with two, that gives the signature with any of the keys.
fn find(parts: &[Part<'_>], keys: &[&str], wanted: &str, aids: HashAids<'_>) -> Option<HashVariant> {
    let gives = |shape: &Shape| {
        let keys = if keys.is_empty() { &[""] } else { keys };
        keys.iter().any(|key| digest::sha256_hex(shape.text(key).as_bytes()) == wanted)
    };
    let once = Shape::right(parts).mistaken(aids);
    let found = once.iter().find(|shape| gives(shape)).cloned();
    let found = found.or_else(|| {
        // A second mistake of form, key or amount; the many orders of the parts are tried alone only.
        let first = once.iter().filter(|shape| !shape.differences.contains(&HashDifference::OrderDiffers));
        let mut twice = first.flat_map(|shape| {
            let mut shapes = shape.mistaken_form();
            shapes.extend(shape.mistaken_key(aids));
            shapes.extend(shape.mistaken_amount());
            shapes
        });
        twice.find(gives)
    })?;
    let advice: Vec<&str> = found.differences.iter().map(|difference| difference.advice()).collect();
    Some(HashVariant { hashed_string: found.masked(), advice: advice.join(" "), differences: found.differences })
}

#[cfg(test)]
mod tests {
    use super::*;

    const KEY: &str = "s3cretKey";

    fn payment() -> Vec<Part<'static>> {
        [
            ("sender_id", "Sandbox"),
            ("order_id", "520520795556"),
            ("product_code", "SLYLPR100"),
            ("amount", "10250000"),
            ("rq_uuid", "SANDBOX1 "),
        ]
        .map(|(name, value)| Part { name, value })
        .to_vec()
    }

    fn aids() -> HashAids<'static> {
        HashAids {
            password: Some("formword"),
            basic_password: Some("basicword"),
            datetime: Some("2019-10-10 11:01:30"),
        }
    }

    #[track_caller]
    fn check(hashed: &str, expected: &[HashDifference]) {
        let signature = digest::sha256_hex(hashed.as_bytes());
        let found = explain(&payment(), &["newer", KEY], &signature, aids());
        let differences = found.matches.as_ref().map_or(&[][..], |variant| &variant.differences);
        assert_eq!(differences, expected, "{hashed} {found}");
        for secret in [KEY, "S3CRETKEY", "s3cretkey", "formword", "FORMWORD", "basicword", "BASICWORD"] {
            let text = serde_json::to_string(&found).expect("JSON") + &found.to_string();
            assert!(!text.contains(secret), "{text}");
        }
    }

    #[test]
    fn names_the_mistake() {
        use HashDifference as D;
        let upper = "##SANDBOX##520520795556##SLYLPR100##10250000##SANDBOX1 ##S3CRETKEY##";
        check(upper, &[]);
        check("##S3CRETKEY##SANDBOX##520520795556##SLYLPR100##10250000##SANDBOX1 ##", &[D::KeyFirst]);
        check("##SANDBOX##520520795556##SLYLPR100##10250000##SANDBOX1 ##", &[D::KeyLeftOut]);
        check("##SANDBOX##520520795556##SLYLPR100##10250000##SANDBOX1 ##KEY##S3CRETKEY##", &[D::KeyWord]);
        check("##SANDBOX##520520795556##SLYLPR100##10250000##SANDBOX1 ##FORMWORD##", &[D::PasswordAsKey]);
        check("##SANDBOX##520520795556##SLYLPR100##10250000##SANDBOX1 ##BASICWORD##", &[D::BasicPasswordAsKey]);
        check("##Sandbox##520520795556##SLYLPR100##10250000##SANDBOX1 ##s3cretKey##", &[D::NotUpperCased]);
        check(&upper.to_lowercase(), &[D::LowerCased]);
        check("##SANDBOX##520520795556##SLYLPR100##10250000##SANDBOX1 ##s3cretKey##", &[D::KeyNotUpperCased]);
        check(upper.trim_matches('#'), &[D::OuterSeparatorsMissing]);
        check(&upper[2..], &[D::FirstSeparatorMissing]);
        check(&upper[..upper.len() - 2], &[D::LastSeparatorMissing]);
        check(&upper.replace("##", "#"), &[D::SingleSeparator]);
        check(&upper.replace("##", ""), &[D::NoSeparator]);
        check("##520520795556##SLYLPR100##10250000##SANDBOX1 ##S3CRETKEY##", &[D::PartMissing]);
        check("##SLYLPR100##520520795556##SANDBOX##10250000##SANDBOX1 ##S3CRETKEY##", &[D::OrderDiffers]);
        check(&upper.replace("SANDBOX1 ", "SANDBOX1"), &[D::PartTrimmed]);
        check(&upper.replace("SANDBOX1 ", "SANDBOX1 ##2019-10-10 11:01:30"), &[D::DateAdded]);
        for (amount, difference) in [
            ("102500", D::AmountInRupiah),
            ("1025000000", D::AmountInHundredths),
            ("102500.00", D::AmountWithDecimals),
            ("102.500,00", D::AmountWithDecimals),
            ("10250000.00", D::AmountWithDecimals),
        ] {
            check(&upper.replace("10250000", amount), &[difference]);
        }
        check(&upper.replace("10250000##", ""), &[D::AmountLeftOut]);
    }

    #[test]
    fn names_two_mistakes_at_once() {
        use HashDifference as D;
        let both = "##s3cretKey##Sandbox##520520795556##SLYLPR100##10250000##SANDBOX1 ##";
        let signature = digest::sha256_hex(both.as_bytes());
        let found = explain(&payment(), &[KEY], &signature, aids()).matches.expect("a variant");
        assert!(found.differences.contains(&D::KeyFirst) && found.differences.contains(&D::NotUpperCased));
        assert_eq!(found.hashed_string, "##<KEY>##Sandbox##520520795556##SLYLPR100##10250000##SANDBOX1 ##");
    }

    #[test]
    fn says_what_is_right_and_what_cannot_be() {
        let parts = payment();
        let right = sign(parts.iter().map(|part| part.value), KEY);
        let found = explain(&parts, &[KEY], &right.to_uppercase(), aids());
        assert!(found.verified && found.summary() == "the signature is right", "{found}");
        assert_eq!(found.string_to_hash, "##SANDBOX##520520795556##SLYLPR100##10250000##SANDBOX1 ##<KEY>##",);
        assert_eq!(found.sha256.as_deref(), Some(right.as_str()));
        let unreadable = explain(&parts, &[KEY], "abc", aids());
        assert!(unreadable.summary().contains("64 hexadecimal"), "{unreadable}");
        let strange = explain(&parts, &[KEY], &"0".repeat(64), aids());
        assert!(strange.summary().contains("no known mistake"), "{strange}");
        assert!(explain(&parts, &[], &"0".repeat(64), aids()).sha256.is_none());
    }

    #[test]
    fn an_indonesian_amount_is_known_in_digits() {
        let mut parts = payment();
        parts[3].value = "102.500,00";
        let values = ["Sandbox", "520520795556", "SLYLPR100", "10250000", "SANDBOX1 "];
        let found = explain(&parts, &[KEY], &sign(values, KEY), aids()).matches.expect("a variant");
        assert_eq!(found.differences, [HashDifference::AmountInHundredths]);
    }

    #[test]
    fn every_difference_has_its_words() {
        for difference in HashDifference::ALL {
            assert!(difference.advice().ends_with('.') && !difference.clause().ends_with('.'), "{difference:?}");
        }
    }
}
