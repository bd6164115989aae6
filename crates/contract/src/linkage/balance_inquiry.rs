//! Balance Inquiry (11): cash and points of a linked account.

use lifecycle::{
    Answer, Command,
    enquiry::ReadBalance,
    provider::{BalanceKind, BalanceLine},
    request::ServiceCode,
};
use protocol::codes::{self, Case};

use crate::{
    document::Document,
    envelope,
    field::{self, Field, Kind},
    json::ObjectWriter,
    operation::{Fault, Operation, ReadContext, Reading, ReplyBody, WriteContext},
    parts,
};

const PAGE: &str = "Espay, Balance Inquiry";
const SNAP: &str = "SNAP, Balance Inquiry";
const OURS: &str = "Gerbang";

const FIELDS: &[Field] = &[
    parts::question_row(PAGE),
    Field::mandatory(PAGE, "bankCardToken", Kind::Text(128), "The card token of the link."),
    parts::additional_row(PAGE),
    Field::optional(PAGE, "additionalInfo.productCode", Kind::Text(64), "The product; must be that of the link."),
];

const REPLY_FIELDS: &[Field] = &[
    parts::reference_reply_row(SNAP),
    Field::mandatory(PAGE, "accountInfo", Kind::Object, "The cash balance, as Espay has it."),
    Field::mandatory(PAGE, "accountInfo.balanceType", Kind::OneOf(&["CASH", "POINT"]), "Kind of balance."),
    Field::mandatory(PAGE, "accountInfo.amount", Kind::Amount, "The balance."),
    Field::mandatory(PAGE, "accountInfo.availableBalance", Kind::Amount, "What can be spent; the same."),
    Field::optional(
        OURS,
        "accountInfo.points",
        Kind::Amount,
        "Loyalty points, one to the rupiah, where there are any.",
    ),
    Field::mandatory(SNAP, "accountInfos", Kind::Array, "Every balance, as SNAP has them."),
    Field::mandatory(SNAP, "accountInfos.balanceType", Kind::OneOf(&["CASH", "POINT"]), "Kind of balance."),
    Field::mandatory(SNAP, "accountInfos.amount", Kind::Amount, "The balance."),
    Field::mandatory(SNAP, "accountInfos.availableBalance", Kind::Amount, "What can be spent; the same."),
    Field::mandatory(SNAP, "accountInfos.status", Kind::Digits(4), "`0001`: active.").sample("0001"),
];

/// See the module. Its `partnerReferenceNo` is not kept as used, for the reason that Account Inquiry gives.
pub struct BalanceInquiry;

impl Operation for BalanceInquiry {
    fn name(&self) -> &'static str {
        "balance_inquiry"
    }
    fn service(&self) -> ServiceCode {
        ServiceCode("11")
    }
    fn title(&self) -> &'static str {
        "Balance Inquiry"
    }
    fn promise(&self) -> &'static str {
        "Asks the provider for the balances of a linked account, at this moment: `accountInfo` for the cash with points \
         beside it, `accountInfos` for every balance on its own."
    }
    fn method(&self) -> &'static str {
        "POST"
    }
    fn paths(&self) -> &'static [&'static str] {
        &["/apidirectdebit/v1.0/balance-inquiry"]
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
            &codes::REQUEST_IN_PROGRESS,
            &codes::INVALID_CUSTOMER_TOKEN,
            &codes::DO_NOT_HONOR,
            &codes::TRANSACTION_NOT_PERMITTED,
            &codes::INACTIVE_ACCOUNT,
            &codes::INVALID_TRANSACTION_STATUS,
            &codes::INVALID_ACCOUNT,
            &codes::REQUESTED_FUNCTION_IS_NOT_SUPPORTED,
            &codes::FEATURE_NOT_ALLOWED_AT_THIS_TIME,
            &codes::EXTERNAL_SERVER_ERROR,
            &codes::TIMEOUT,
        ]
    }
    fn sample(&self) -> &'static str {
        include_str!("../../samples/balance_inquiry.json")
    }
    fn reply_sample(&self) -> &'static str {
        include_str!("../../samples/balance_inquiry_reply.json")
    }

    fn read(&self, document: &Document<'_>, context: &ReadContext<'_>) -> Result<Reading, Fault> {
        let card_token =
            parts::token(document, "bankCardToken", context).ok_or_else(|| field::missing("bankCardToken"))?;
        let product = parts::named_product(document, "additionalInfo.productCode", context)?;
        Ok(Reading::Command(Box::new(Command::ReadBalance(ReadBalance {
            request: context.request(self, None),
            partner_reference: parts::required(document, "partnerReferenceNo")?,
            card_token,
            product: product.map(parts::code),
        }))))
    }

    fn write(&self, answer: &Answer, _: &WriteContext<'_>) -> ReplyBody {
        let Answer::Balance { partner_reference, lines } = answer else {
            return parts::otherwise(self.service(), answer);
        };
        let of = |kind: BalanceKind| lines.iter().find(|line| line.kind == kind);
        let Some(first) = of(BalanceKind::Cash).or(lines.first()) else {
            return envelope::unexpected(self.service());
        };
        let points = of(BalanceKind::Point).filter(|line| line.kind != first.kind);
        envelope::reply(self.service(), &codes::SUCCESSFUL, |object| {
            object
                .text("partnerReferenceNo", partner_reference)
                .object("accountInfo", |info| {
                    write_line(info, first);
                    if let Some(points) = points {
                        info.amount("points", points.amount);
                    }
                })
                .array("accountInfos", lines, |line, info| {
                    write_line(info, line);
                    info.text("status", "0001");
                });
        })
    }
}

fn write_line(info: &mut ObjectWriter, line: &BalanceLine) {
    let kind = match line.kind {
        BalanceKind::Cash => "CASH",
        BalanceKind::Point => "POINT",
    };
    info.text("balanceType", kind).amount("amount", line.amount).amount("availableBalance", line.amount);
}

#[cfg(test)]
mod tests {
    use lifecycle::Refusal;
    use money::Amount;

    use super::*;
    use crate::testing::{self, fault};

    #[test]
    fn reads_the_card_token() {
        let body = r#"{"partnerReferenceNo":"t","bankCardToken":"card","additionalInfo":{"productCode":"{CODE}"}}"#;
        let Command::ReadBalance(found) = testing::command(&BalanceInquiry, body) else { panic!("not a balance") };
        assert_eq!(found.card_token, testing::digest("card"));
        assert_eq!(found.product.expect("a product").as_str(), testing::code_product());
        assert_eq!(found.request.partner_reference, None);
        for (body, expected) in [
            (r#"{"bankCardToken":"card"}"#, "400/02 partnerReferenceNo"),
            (r#"{"partnerReferenceNo":"t"}"#, "400/02 bankCardToken"),
            (
                r#"{"partnerReferenceNo":"t","bankCardToken":"card","additionalInfo":{"productCode":"X"}}"#,
                "400/01 additionalInfo.productCode",
            ),
        ] {
            assert_eq!(fault(&BalanceInquiry, body), expected);
        }
    }

    #[test]
    fn answers_cash_and_points() {
        let line = |kind, rupiah| BalanceLine { kind, amount: Amount::rupiah(rupiah) };
        let answer = |lines| Answer::Balance { partner_reference: "t".into(), lines };
        let both = answer(vec![line(BalanceKind::Point, 5), line(BalanceKind::Cash, 100_000)]);
        assert_eq!(
            testing::reply(&BalanceInquiry, &both),
            concat!(
                r#"200 {"responseCode":"2001100","responseMessage":"Successful","partnerReferenceNo":"t","#,
                r#""accountInfo":{"balanceType":"CASH","amount":{"value":"100000.00","currency":"IDR"},"availableBalance":{"value":"100000.00","currency":"IDR"},"points":{"value":"5.00","currency":"IDR"}},"#,
                r#""accountInfos":[{"balanceType":"POINT","amount":{"value":"5.00","currency":"IDR"},"availableBalance":{"value":"5.00","currency":"IDR"},"status":"0001"},"#,
                r#"{"balanceType":"CASH","amount":{"value":"100000.00","currency":"IDR"},"availableBalance":{"value":"100000.00","currency":"IDR"},"status":"0001"}]}"#
            )
        );
        let points = testing::reply(&BalanceInquiry, &answer(vec![line(BalanceKind::Point, 5)]));
        assert!(points.contains(r#""accountInfo":{"balanceType":"POINT""#) && !points.contains("points"), "{points}");
        assert!(testing::reply(&BalanceInquiry, &answer(vec![])).starts_with(r#"500 {"responseCode":"5001100""#));
        assert_eq!(
            testing::reply(&BalanceInquiry, &Answer::Refused(Refusal::TokenUnknown)),
            r#"404 {"responseCode":"4041111","responseMessage":"Invalid Card/Account/Customer/Virtual Account"}"#
        );
    }
}
