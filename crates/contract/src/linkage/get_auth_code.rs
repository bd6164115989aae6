//! Get Auth Code (10): an authorisation code at once, and the page where the customer authorises it.

use lifecycle::{Answer, Command, Refusal, auth_code::Issue, merchant::BindingFlow, request::ServiceCode};
use protocol::codes::{self, Case};

use crate::{
    document::Document,
    envelope,
    field::{self, Field, Kind, Presence, malformed},
    operation::{Fault, Input, Operation, ProductFacts, ReadContext, Reading, ReplyBody, WriteContext},
    parts, refusals,
};

const PAGE: &str = "Espay, Get Auth Code";
/// The scope of a merchant that lets the customer choose the wallet.
const ANY_WALLET: &str = "DEFAULT";

const FIELDS: &[Field] = &[
    Field::mandatory(
        PAGE,
        "redirectURL",
        Kind::Url(256),
        "Where the browser returns to, on one of your registered origins; gets `authCode` and `state`.",
    )
    .lenient(Kind::Url(2048)),
    Field::mandatory(PAGE, "scopes", Kind::Text(256), "A product code, or `DEFAULT`: the customer chooses the wallet."),
    Field::mandatory(PAGE, "state", Kind::Text(32), "A random text of yours against request forgery.")
        .lenient(Kind::Text(128)),
    Field::mandatory(PAGE, "merchantId", Kind::Text(64), "Your merchant code, or your registered alias."),
    Field::mandatory(PAGE, "lang", Kind::OneOf(&["id", "en"]), "The language of the page.")
        .lenient_presence(Presence::Optional),
    Field::optional(
        PAGE,
        "seamlessData",
        Kind::Text(512),
        "JSON text with `mobileNumber`, the number that the customer signs in with.",
    ),
];

const REPLY_FIELDS: &[Field] = &[
    Field::mandatory(PAGE, "authCode", Kind::Text(256), "For Account Binding, once, within 30 minutes."),
    Field::mandatory(PAGE, "state", Kind::Text(128), "As you sent it."),
    Field::mandatory(PAGE, "additionalInfo", Kind::Object, "Where the customer goes."),
    Field::mandatory(
        PAGE,
        "additionalInfo.redirectUrl",
        Kind::Url(2048),
        "The page where the customer authorises the code; not usable before.",
    ),
];

/// See the module.
pub struct GetAuthCode;

impl Operation for GetAuthCode {
    fn name(&self) -> &'static str {
        "get_auth_code"
    }
    fn service(&self) -> ServiceCode {
        ServiceCode("10")
    }
    fn title(&self) -> &'static str {
        "Get Auth Code"
    }
    fn promise(&self) -> &'static str {
        "Answers an authorisation code that is not authorised yet, and the page where the customer proves who they are \
         to the wallet. The browser then returns to `redirectURL` with `authCode` and `state`. The code is good for 30 \
         minutes, once, for you and for the product it was authorised for. Parameters stand in the query or in a form body."
    }
    fn method(&self) -> &'static str {
        "GET"
    }
    fn paths(&self) -> &'static [&'static str] {
        &["/apidirectdebit/v1.0/get-auth-code"]
    }
    fn input(&self) -> Input {
        Input::QueryOrForm
    }
    fn fields(&self) -> &'static [Field] {
        FIELDS
    }
    fn reply_fields(&self) -> &'static [Field] {
        REPLY_FIELDS
    }
    fn cases(&self) -> &'static [&'static Case] {
        &[
            &codes::SUCCESSFUL,
            &codes::FEATURE_NOT_ALLOWED,
            &codes::INVALID_MERCHANT,
            &codes::REQUESTED_FUNCTION_IS_NOT_SUPPORTED,
        ]
    }
    fn sample(&self) -> &'static str {
        include_str!("../../samples/get_auth_code.json")
    }
    fn reply_sample(&self) -> &'static str {
        include_str!("../../samples/get_auth_code_reply.json")
    }

    fn read(&self, document: &Document<'_>, context: &ReadContext<'_>) -> Result<Reading, Fault> {
        let redirect_url =
            parts::redirect(document, "redirectURL", context)?.ok_or_else(|| field::missing("redirectURL"))?;
        let product = scope(document, context)?;
        let phone = seamless_phone(document)?;
        parts::names_caller(document, "merchantId", context.merchant, &[])?;
        Ok(Reading::Command(Box::new(Command::IssueAuthCode(Issue {
            request: context.request(self, None),
            product: product.map(parts::code),
            redirect_url,
            state: parts::required(document, "state")?,
            lang: parts::lang(document),
            phone,
        }))))
    }

    fn write(&self, answer: &Answer, context: &WriteContext<'_>) -> ReplyBody {
        let Answer::AuthCodeIssued { code, state, page, .. } = answer else {
            return parts::otherwise(self.service(), answer);
        };
        // The page's own words for success.
        let message = "Request has been processed successfully";
        envelope::reply_saying(self.service(), &codes::SUCCESSFUL, message, |object| {
            object.text("authCode", code.expose()).text("state", state).object("additionalInfo", |info| {
                info.text("redirectUrl", &format!("{}/linkage/{}", context.base_url, page.expose()));
            });
        })
    }
}

/// The product that `scopes` names, which must be linked with a code; none for `DEFAULT`.
fn scope<'a>(document: &Document<'_>, context: &ReadContext<'a>) -> Result<Option<&'a ProductFacts>, Fault> {
    if document.text("scopes") == Some(ANY_WALLET) {
        return Ok(None);
    }
    match parts::own_product(document, "scopes", context)? {
        Some(product) if product.binding != BindingFlow::AuthCode => {
            Err(refusals::fault_of(&Refusal::ProductUnsupported))
        }
        product => Ok(product),
    }
}

/// `mobileNumber` of `seamlessData`: JSON, or a query string as some wallets have it (lenient or not, it is outside of
/// the tables). What cannot be read is 400/01: a number that is silently dropped is looked for in vain.
fn seamless_phone(document: &Document<'_>) -> Result<Option<String>, Fault> {
    let Some(text) = document.text("seamlessData") else {
        return Ok(None);
    };
    let inner = if text.trim_start().starts_with('{') {
        Document::parse(text.as_bytes())
    } else if text.contains('=') {
        Document::parse_form(text.as_bytes())
    } else {
        return Err(malformed("seamlessData"));
    };
    let inner = inner.map_err(|_| malformed("seamlessData"))?;
    match inner.text("mobileNumber") {
        None => Ok(None),
        Some(number) => field::canonical_phone(number).map(Some).ok_or_else(|| malformed("seamlessData")),
    }
}

#[cfg(test)]
mod tests {
    use lifecycle::{AuthCodeId, Secret};

    use super::*;
    use crate::testing::{self, fault};

    fn request(changes: &[(&str, Option<&str>)]) -> String {
        testing::changed(GetAuthCode.sample(), changes)
    }

    #[track_caller]
    fn issued(document: &Document<'_>) -> Issue {
        let reading = testing::read_document(&GetAuthCode, &testing::merchant(), document);
        match reading {
            Ok(Reading::Command(command)) => match *command {
                Command::IssueAuthCode(issue) => issue,
                other => panic!("{other:?}"),
            },
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn seed_002_sample_query() {
        let query = include_str!("../../samples/seed_002_query.txt").trim_end();
        let document = Document::read(Input::QueryOrForm, query, b"").expect("a query");
        let issue = issued(&document);
        assert_eq!(issue.product.expect("a product").as_str(), testing::code_product());
        assert_eq!(issue.redirect_url, "https://www.yourdomain.com/authSuccess");
        assert_eq!(issue.state, "889871204JJK1I23K");
        assert_eq!(issue.lang, "id");
        assert_eq!(issue.phone.as_deref(), Some("6287888088201"));
        assert_eq!(issue.request.partner_reference, None);
    }

    #[test]
    fn seed_002_sample_curl_form() {
        let form = include_str!("../../samples/seed_002_form.txt").trim_end();
        let document = Document::read(Input::QueryOrForm, "", form.as_bytes()).expect("a form");
        let issue = issued(&document);
        assert_eq!((issue.state.as_str(), issue.phone), ("889871204JJK1I23K", None));
    }

    #[test]
    fn lets_the_customer_choose_the_wallet() {
        let text = request(&[("scopes", Some("DEFAULT")), ("lang", Some("EN"))]);
        let issue = issued(&Document::parse(text.as_bytes()).expect("pairs"));
        assert_eq!((issue.product, issue.lang.as_str()), (None, "en"));
    }

    #[test]
    fn reads_seamless_data_in_both_forms() {
        for (data, phone) in [
            (r#"{\"mobileNumber\":\"087888088201\"}"#, Some("6287888088201")),
            (r#"{\"verifiedTime\":\"x\"}"#, None),
            ("mobileNumber=6287888088201&verifiedTime=x", Some("6287888088201")),
        ] {
            let text = request(&[("seamlessData", Some(data))]);
            let issue = issued(&Document::parse(text.as_bytes()).expect("pairs"));
            assert_eq!(issue.phone.as_deref(), phone, "{data}");
        }
        for data in ["{", "x", r#"{\"mobileNumber\":\"12\"}"#] {
            assert_eq!(fault(&GetAuthCode, &request(&[("seamlessData", Some(data))])), "400/01 seamlessData");
        }
    }

    #[test]
    fn refuses_in_the_order_of_the_rules() {
        let page_product = testing::page_product();
        for (changes, expected) in [
            (&[("redirectURL", None), ("state", Some("a\\u0000"))][..], "400/02 redirectURL"),
            (&[("state", Some(" "))], "400/02 state"),
            (&[("state", Some("a\\u0000"))], "400/01 state"),
            (&[("lang", Some("fr"))], "400/01 lang"),
            (&[("redirectURL", Some("https://evil.example/"))], "400/01 redirectURL"),
            (&[("redirectURL", Some("https://www.yourdomain.com@evil.example/"))], "400/01 redirectURL"),
            (&[("redirectURL", Some("http://localhost:3000/"))], "400/01 redirectURL"),
            (&[("scopes", Some("NOBODYSELLSIT"))], "400/01 scopes"),
            (&[("scopes", Some("ELSEWHERE"))], "403/01 product"),
            (&[("scopes", Some(page_product))], "405/00 "),
            (&[("merchantId", Some("SOMEBODY"))], "404/08 merchantId is not yours"),
        ] {
            assert_eq!(fault(&GetAuthCode, &request(changes)), expected, "{changes:?}");
        }
    }

    #[test]
    fn strict_keeps_to_the_table() {
        let strict = |changes: &[(&str, Option<&str>)]| {
            testing::fault_as(&GetAuthCode, &testing::strict_merchant(), &request(changes))
        };
        assert_eq!(strict(&[]), "");
        assert_eq!(strict(&[("lang", None)]), "400/02 lang");
        assert_eq!(strict(&[("state", Some(&"s".repeat(33)))]), "400/01 state");
        assert_eq!(fault(&GetAuthCode, &request(&[("lang", None)])), "");
    }

    #[test]
    fn answers_the_code_and_the_page() {
        let answer = Answer::AuthCodeIssued {
            auth_code: AuthCodeId::from_bits(1),
            code: Secret::new("a4sd5a4fsaf5d5f4df66ad85f4"),
            state: "WodkkwijSDs".into(),
            page: Secret::new("pagetoken"),
        };
        assert_eq!(
            testing::reply(&GetAuthCode, &answer),
            r#"200 {"responseCode":"2001000","responseMessage":"Request has been processed successfully","authCode":"a4sd5a4fsaf5d5f4df66ad85f4","state":"WodkkwijSDs","additionalInfo":{"redirectUrl":"https://gateway.example/linkage/pagetoken"}}"#
        );
    }
}
