//! The mistakes that we know, each with the words for it. A new one joins this list and `candidates`.

use aws_lc_rs::digest as lc;
use serde::Serialize;

macro_rules! differences {
    ($($name:ident $clause:literal $advice:literal;)*) => {
        /// One thing that a sender did differently.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
        #[serde(rename_all = "camelCase")]
        pub enum Difference {
            $(#[doc = concat!("The signature matches if ", $clause, ".")] $name,)*
        }

        impl Difference {
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
    WhiteSpaceAdded "the body is written with white space that was not sent" "Serialise once, then sign and send the same bytes.";
    WhiteSpaceRemovedInStrings "white space inside strings is removed too" "Minify outside strings only, or sign the bytes that you send.";
    SlashesEscaped "slashes in the body are escaped (\\/)" "Serialise once, then sign and send the same bytes.";
    SlashesUnescaped "slashes in the body are not escaped" "Serialise once, then sign and send the same bytes.";
    UnicodeEscaped "characters beyond ASCII are escaped (\\uXXXX)" "Serialise once, then sign and send the same bytes.";
    UnicodeUnescaped "characters beyond ASCII are not escaped" "Serialise once, then sign and send the same bytes.";
    KeysSorted "the body's keys are in alphabetical order" "Do not parse and write the body again between signing and sending.";
    BodyNewlineAdded "the body ends with a line end that was not sent" "Strip the line end before hashing.";
    BodyNewlineMissing "the body's last line end is left out" "Sign the bytes that you send, or send none.";
    EmptyBodyAsJson "the empty body is hashed as JSON ({}, [] or null)" "Without a body, hash the empty text.";
    BodyLeftOut "the body is left out" "Hash the body that you send, also with GET and DELETE.";
    QueryAsBody "the query is hashed as the body" "The query belongs to the path; without a body, hash the empty text.";
    HashUpperCase "the body hash is in upper case" "Write the hash as lower-case hexadecimal digits.";
    HashBase64 "the body hash is in Base64" "Write the hash as lower-case hexadecimal digits.";
    HashLeftOut "the body hash is left out" "Without a body, the hash of the empty text stands in its place.";
    BodyNotHashed "the body itself stands in place of its hash" "Put the SHA-256 of the body there, as lower-case hexadecimal digits.";
    PathWithoutPrefix "leading segments of the path are missing" "Sign the whole path that you call, as the server sees it.";
    PathWithoutQuery "the query is left out of the path" "Sign the path with its query.";
    FullUrl "the full address is signed" "Sign the path only, from its first slash.";
    HostInPath "the path has the host in front" "Sign the path only, from its first slash.";
    PathTrailingSlash "the path's last slash differs" "Sign the path exactly as you call it.";
    PathWithoutFirstSlash "the path's first slash is missing" "Sign the path from its first slash.";
    PathDecoded "the path is percent-decoded" "Sign the path as it is sent, with its percent signs.";
    QuerySorted "the query is sorted" "Sign the query in the order in which it is sent.";
    PathLowerCase "the path is in lower case" "Sign the path exactly as you call it.";
    TimestampForm "the timestamp is written in another form" "Sign the very text of X-TIMESTAMP.";
    TimestampOtherSecond "the timestamp is another second" "Take the time once, and use that text for the header and the signature.";
    MethodLowerCase "the method is in lower case" "Write the method in upper case.";
    MethodOther "the method is another one" "Sign the method that you send.";
    StringNewline "the string to sign ends with a line end" "Sign without a line end (printf or echo -n, not echo).";
    HashedTwice "the string to sign is hashed before signing" "SHA256withRSA hashes by itself: hand it the string.";
    TokenString "client id and timestamp are signed, as for an access token" "Sign METHOD:path:hash:timestamp for requests.";
    SymmetricLayout "the string has a place for the access token" "The asymmetric string is METHOD:path:hash:timestamp.";
    AsymmetricLayout "the string has no access token" "The symmetric string is METHOD:path:token:hash:timestamp.";
    TokenWithBearer "the access token has the word Bearer in front" "Sign the token without the word Bearer.";
    SignedWithSecret "it is made with the client secret (HMAC)" "This client is registered for asymmetric signatures: sign with the private key.";
    SignedWithKey "it is made with the private key (RSA)" "This client is registered for symmetric signatures: use HMAC-SHA512 with the client secret.";
    HmacSha256 "it is an HMAC-SHA256" "Use HMAC-SHA512.";
    HashInsteadOfSignature "it is a plain SHA-256 of the string" "A hash is not a signature: sign the string with your private key.";
    Sha1 "SHA-1 is used" "Sign with SHA256withRSA.";
    Sha384 "SHA-384 is used" "Sign with SHA256withRSA.";
    Sha512 "SHA-512 is used" "Sign with SHA256withRSA.";
    OtherKey "it is made with another key" "Sign with the private half of the registered key.";
    SignatureUrlSafe "it is written in URL-safe Base64" "Write the signature in ordinary Base64.";
    SignaturePlusAsBlank "its plus signs have become blanks" "Do not form-decode the header; send Base64 as it is.";
    SignatureEncodedTwice "it is encoded twice" "Encode the signature's bytes once, in Base64.";
}

/// What the hash function inside a signature differs in.
pub(super) fn of_digest(algorithm: &lc::Algorithm) -> Option<Difference> {
    if algorithm == &lc::SHA1_FOR_LEGACY_USE_ONLY {
        Some(Difference::Sha1)
    } else if algorithm == &lc::SHA384 {
        Some(Difference::Sha384)
    } else if algorithm == &lc::SHA512 {
        Some(Difference::Sha512)
    } else {
        None
    }
}
