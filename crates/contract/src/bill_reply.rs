//! How a bill is written: amounts at the top in hundredths of a rupiah, as numbers; inside `data` in rupiah, in the forms
//! that the documents' samples have, which differ from category to category.

use lifecycle::{
    Secret,
    bill::{Bill, BillStatus},
    biller::{BillerProduct, Category, Pricing, Quote},
    provider::{BillDue, BillReceipt},
};
use money::Amount;
use protocol::{biller_codes as biller, codes::Case};

use crate::{
    biller_envelope::{Echo, case_of_reason, reply_saying, unexpected},
    field::{Field, Kind},
    json::{self, ObjectWriter},
    operation::{ReplyBody, WriteContext},
};

/// Digits of an amount with zeros in front.
const PADDED_WIDTH: usize = 12;
/// Digits of `ftbpTraceNo`.
const TRACE_NUMBERS: u128 = 1_000_000;

/// `ref_id`: what a payment's status is asked with.
pub(crate) const fn ref_id_row(source: &'static str, doc: &'static str) -> Field {
    Field::mandatory(source, "ref_id", Kind::Text(32), doc)
}

/// The rows of a bill, of which an inquiry has all but the payment's.
pub(crate) mod rows {
    use super::{Field, Kind};

    const PAGE: &str = "Espay, Biller Product Catalog";

    pub(crate) const ORDER_ID: Field = Field::mandatory(PAGE, "order_id", Kind::Text(32), "As you sent it.");
    pub(crate) const AMOUNT: Field = Field::mandatory(
        PAGE,
        "amount",
        Kind::Number,
        "What the customer pays, in hundredths of a rupiah: bill and admin fee.",
    );
    pub(crate) const BILL_AMOUNT: Field =
        Field::mandatory(PAGE, "bill_amount", Kind::Number, "What is due, in hundredths of a rupiah.");
    pub(crate) const ADMIN_FEE: Field =
        Field::mandatory(PAGE, "admin_fee", Kind::Number, "The admin fee, in hundredths of a rupiah.");
    pub(crate) const DESCRIPTION: Field = Field::optional(PAGE, "description", Kind::Text(128), "Empty.");
    pub(crate) const DATA: Field = Field::mandatory(
        PAGE,
        "data",
        Kind::Members,
        "What the biller says, under the names of the product; money in rupiah, with some products filled with zeros to \
         twelve digits. A prepaid token is here.",
    );
    pub(crate) const BANK_FEE: Field =
        Field::mandatory(PAGE, "bankFee", Kind::Number, "The admin fee again, in hundredths of a rupiah.");
    pub(crate) const MW_DATA: Field =
        Field::mandatory(PAGE, "mwData", Kind::JsonText(255), "A JSON object as text, with `ftbpTraceNo`.");
    pub(crate) const BARCODE_FEE: Field = Field::optional(PAGE, "barcode_fee", Kind::Text(16), "Empty.");
    pub(crate) const RECEIPT: Field =
        Field::optional(PAGE, "receipt", Kind::Object, "The first line of the receipt, where there is one.");
    pub(crate) const RECEIPT_FIELD: Field = Field::within(PAGE, "receipt.field", Kind::Text(64), "What it is.");
    pub(crate) const RECEIPT_VALUE: Field = Field::within(PAGE, "receipt.value", Kind::Text(255), "Its text.");
    pub(crate) const RECEIPT_LINES: Field =
        Field::optional("Gerbang", "receipt_lines", Kind::Array, "Every line of the receipt, where there is one.");
    pub(crate) const LINES_FIELD: Field =
        Field::optional("Gerbang", "receipt_lines.field", Kind::Text(64), "What it is.");
    pub(crate) const LINES_VALUE: Field =
        Field::optional("Gerbang", "receipt_lines.value", Kind::Text(255), "Its text.");
}

/// What is known of a paid bill: the row of the registry, its text, and the one word.
fn standing(bill: &Bill) -> Option<(&'static Case, &'static str, &'static str)> {
    let said = |case: &'static Case, word| Some((case, case.message, word));
    let in_process = Some((&biller::SUCCESS, biller::IN_PROCESS_TEXT, "IN_PROCESS"));
    match &bill.status {
        BillStatus::Inquiring | BillStatus::Inquired { .. } => None,
        BillStatus::Sent { .. } | BillStatus::InProcess { .. } => in_process,
        // Paid, and what was bought has not come yet.
        BillStatus::SucceededLate { .. } if bill.owes_token() => in_process,
        BillStatus::Unknown { .. } => said(&biller::SUSPECT, "SUSPECT"),
        BillStatus::Succeeded { .. } | BillStatus::SucceededLate { .. } => said(&biller::SUCCESS, "SUCCESS"),
        BillStatus::Failed { reason, .. } => Some((case_of_reason(reason), "", "FAILED")),
        BillStatus::Reversed { .. } => said(&biller::REVERSED, "REVERSED"),
    }
}

/// How a bill stands, as its status is told: the code, its text, and the one word.
pub(crate) fn told(bill: &Bill) -> (&'static str, String, &'static str) {
    let (case, text, word) = standing(bill).unwrap_or((&biller::SUCCESS, biller::IN_PROCESS_TEXT, "IN_PROCESS"));
    let text = if text.is_empty() { biller::description(case, None) } else { text.to_owned() };
    (case.case, text, word)
}

/// The words of [`standing`].
pub(crate) const STATUS_WORDS: &[&str] = &["SUCCESS", "IN_PROCESS", "SUSPECT", "FAILED", "REVERSED"];

/// The answer about an inquired bill.
pub(crate) fn inquired(bill: &Bill, context: &WriteContext<'_>) -> ReplyBody {
    let Some(view) = BillView::of(bill, context) else {
        return unexpected(Echo::of(context));
    };
    reply_saying(Echo::of(context), &biller::SUCCESS, biller::SUCCESS.message, |object| {
        object.text("order_id", &bill.order_id);
        view.write_amounts(object);
        view.write_data(object);
        view.write_fees(object);
        view.write_receipt(object);
    })
}

/// The answer about a bill that was paid or is being paid; with its status in one word where that is asked for.
pub(crate) fn paid(bill: &Bill, context: &WriteContext<'_>, with_status: bool) -> ReplyBody {
    let (Some(view), Some((case, text, word))) = (BillView::of(bill, context), standing(bill)) else {
        return unexpected(Echo::of(context));
    };
    let text = if text.is_empty() { biller::description(case, None) } else { text.to_owned() };
    reply_saying(Echo::of(context), case, &text, |object| {
        if with_status {
            object.text("rq_datetime", &context.now.jakarta_text()).text("transaction_status", word);
            object.text("product_code", bill.product.as_str());
            object.text("payment_rq_uuid", &bill.request.external_id);
        }
        object.text("order_id", &bill.order_id).text("ref_id", &bill.ref_id());
        view.write_amounts(object);
        view.write_data(object);
        object.raw("bankFee", &view.quote.admin_fee.hundredths_text());
        object.text("mwData", &format!(r#"{{"ftbpTraceNo":"{:06}"}}"#, bill.id.bits() % TRACE_NUMBERS));
        object.text("barcode_fee", "");
        view.write_receipt(object);
    })
}

/// A bill with everything that its reply is made of.
struct BillView<'a> {
    bill: &'a Bill,
    quote: Quote,
    due: Option<&'a BillDue>,
    receipt: Option<&'a BillReceipt>,
    product: Option<&'a BillerProduct>,
}

impl<'a> BillView<'a> {
    fn of(bill: &'a Bill, context: &WriteContext<'a>) -> Option<Self> {
        let receipt = match &bill.status {
            BillStatus::Succeeded { receipt, .. } | BillStatus::SucceededLate { receipt, .. } => Some(receipt),
            // What was taken back is no good to anybody.
            _ => None,
        };
        let product = context.catalogue.product(bill.product.as_str()).map(AsRef::as_ref);
        Some(Self { bill, quote: bill.quote?, due: bill.due.as_ref(), receipt, product })
    }

    fn write_amounts(&self, object: &mut ObjectWriter) {
        object
            .raw("amount", &self.quote.amount.hundredths_text())
            .raw("bill_amount", &self.quote.bill_amount.hundredths_text())
            .raw("admin_fee", &self.quote.admin_fee.hundredths_text())
            .text("description", "");
    }

    fn write_fees(&self, object: &mut ObjectWriter) {
        object.raw("bankFee", &self.quote.admin_fee.hundredths_text()).text("barcode_fee", "");
    }

    fn write_data(&self, object: &mut ObjectWriter) {
        object.object("data", |data| {
            for name in self.names() {
                if let Some(value) = self.value(name) {
                    data.raw(name, &self.form(name).write(value));
                }
            }
        });
    }

    /// The names of the product's fields; of a product that is sold no more, whatever the biller said.
    fn names(&self) -> Vec<&'a str> {
        match self.product {
            Some(product) => product.data_fields.iter().map(String::as_str).collect(),
            None => {
                let said = self.receipt.map(|receipt| &receipt.fields).or(self.due.map(|due| &due.fields));
                let token = self.receipt.and_then(|receipt| receipt.token.as_ref()).map(|_| "token");
                said.into_iter()
                    .flatten()
                    .map(|(name, _)| name.as_str())
                    .filter(|name| *name != "token")
                    .chain(token)
                    .collect()
            }
        }
    }

    /// What a field holds: money as we reckon it, so that its parts always agree; else what the biller said, last word
    /// first; else what we know ourselves.
    fn value(&self, name: &str) -> Option<Value> {
        let reckoned = self.money(name).map(Value::Money);
        reckoned.or_else(|| self.said(name).map(Value::Text)).or_else(|| self.known(name).map(Value::Text))
    }

    fn money(&self, name: &str) -> Option<Amount> {
        match name {
            "bill_amount" | "price" => Some(self.quote.bill_amount),
            "amount" => Some(self.quote.amount),
            // Here the sample has the utility's own fee, not what is paid on top.
            "admin_fee" if self.bill.category == Category::PlnPostpaid => {
                Some(self.due.and_then(|due| due.admin_fee).unwrap_or(Amount::ZERO))
            }
            "admin_fee" => Some(self.quote.admin_fee),
            _ => {
                let says_money = matches!(name, "penalty" | "remain_payment" | "installment" | "misc_fee");
                let said = self.said(name).filter(|_| says_money)?;
                Amount::parse_rupiah(&said).ok()
            }
        }
    }

    fn said(&self, name: &str) -> Option<String> {
        if matches!(name, "token" | "serial_no") {
            let token = self.receipt?.token.as_ref().map(Secret::expose);
            return token.filter(|token| !token.is_empty()).map(str::to_owned);
        }
        let within = |fields: &[(String, String)]| {
            fields.iter().find(|(known, _)| known == name).map(|(_, value)| value.clone())
        };
        let paid = self.receipt.and_then(|receipt| within(&receipt.fields));
        paid.or_else(|| within(&self.due?.fields))
    }

    fn known(&self, name: &str) -> Option<String> {
        let bills = || self.due.map(|due| due.bills);
        match name {
            "customer_id" | "va_number" | "phone_no" | "card_no" | "contract_no" | "policy_no" | "registration_no" => {
                Some(self.bill.order_id.clone())
            }
            "customer_name" | "insured" => self.due.and_then(|due| due.customer_name.clone()),
            "denomination" => match self.bill.pricing {
                Pricing::Denomination { face, .. } => Some((face.sen() / 100_000).to_string()),
                Pricing::Due | Pricing::Open { .. } => None,
            },
            "total_bill" => bills().map(|bills| bills.to_string()),
            "bill_total" if self.bill.category == Category::Pdam => bills().map(|bills| format!("{bills:02}")),
            "bill_total" => bills().map(|bills| bills.to_string()),
            "reff_no" | "ref_no" | "reff_code" | "bill_ref" => self.reference(),
            "remain_payment" | "penalty" => Some("0".to_owned()),
            "token_unsold1" | "token_unsold2" => Some("0".to_owned()),
            // The samples have them and aggregators do not say them: the field is there, and empty.
            "remark" | "branch_code" | "branch_name" | "provider_code" => Some(String::new()),
            _ => None,
        }
    }

    /// The biller's reference, of the payment once there is one; where it gave none, the one that we asked it under.
    fn reference(&self) -> Option<String> {
        let paid = self.receipt.map(|receipt| receipt.provider_reference.clone());
        paid.or_else(|| self.due?.provider_reference.clone()).or_else(|| Some(self.bill.reference()))
    }

    fn form(&self, name: &str) -> Form {
        use Category as C;
        match (self.bill.category, name) {
            (C::BpjsKesehatan, "bill_amount" | "admin_fee" | "amount" | "remain_payment")
            | (C::MobilePrepaid, "price") => Form::Number,
            (C::MobilePostpaid, "bill_amount") => Form::Padded,
            (C::Internet | C::CableTv | C::Insurance | C::Instalment | C::CreditCard, "amount") => Form::Padded,
            _ => Form::Text,
        }
    }

    fn write_receipt(&self, object: &mut ObjectWriter) {
        let names = self.product.map(|product| product.receipt_fields.as_slice()).unwrap_or_default();
        let lines: Vec<(&str, String)> =
            names.iter().filter_map(|name| Some((name.as_str(), self.receipt_value(name)?))).collect();
        let Some((field, value)) = lines.first() else {
            return;
        };
        object.object("receipt", |receipt| {
            receipt.text("field", field).text("value", value);
        });
        object.array("receipt_lines", &lines, |(field, value), line| {
            line.text("field", field).text("value", value);
        });
    }

    /// What stands on a line of the receipt: the reference, or the field whose name is the line's in snake case.
    fn receipt_value(&self, line: &str) -> Option<String> {
        let name = line.to_ascii_lowercase().replace([' ', '-'], "_");
        match name.as_str() {
            "reference_number" => self.reference(),
            name => self.value(name).map(Value::into_text),
        }
    }
}

/// What a field of `data` holds.
enum Value {
    Money(Amount),
    Text(String),
}

impl Value {
    fn into_text(self) -> String {
        match self {
            Self::Money(amount) => amount.rupiah_text(),
            Self::Text(text) => text,
        }
    }
}

/// How a field of `data` is written.
#[derive(Clone, Copy)]
enum Form {
    /// A string.
    Text,
    /// A number of JSON.
    Number,
    /// A string of digits with zeros in front.
    Padded,
}

impl Form {
    /// The value as JSON text.
    fn write(self, value: Value) -> String {
        let quoted = |text: &str| {
            let mut out = String::new();
            json::push_string(&mut out, text);
            out
        };
        match (self, value) {
            (Self::Padded, Value::Money(amount)) => quoted(&amount.padded_rupiah_text(PADDED_WIDTH)),
            (Self::Number, Value::Money(amount)) => amount.rupiah_text(),
            (Self::Number, Value::Text(text)) => match Amount::parse_rupiah(&text) {
                Ok(amount) => amount.rupiah_text(),
                Err(_) => quoted(&text),
            },
            (Self::Text | Self::Padded, value) => quoted(&value.into_text()),
        }
    }
}

#[cfg(test)]
mod tests {
    use lifecycle::Answer;
    use serde_json::{Value as Json, json};

    use super::*;
    use crate::testing::{bill, due, paid, reply};

    fn inquiry(bill: Bill) -> Json {
        let operation = crate::operation("bill_inquiry").expect("an operation");
        parsed(&reply(operation, &Answer::BillInquired(Box::new(bill))))
    }

    fn payment(bill: Bill) -> Json {
        let operation = crate::operation("bill_payment").expect("an operation");
        parsed(&reply(operation, &Answer::BillPayment(Box::new(bill))))
    }

    fn parsed(reply: &str) -> Json {
        let (status, body) = reply.split_once(' ').expect("a status and a body");
        assert_eq!(status, "200");
        serde_json::from_str(body).expect("JSON")
    }

    #[track_caller]
    fn top(found: &Json, amount: u64, bill_amount: u64, admin_fee: u64) {
        let expected = (json!(amount), json!(bill_amount), json!(admin_fee), json!(admin_fee));
        let found = (&found["amount"], &found["bill_amount"], &found["admin_fee"], &found["bankFee"]);
        assert_eq!(found, (&expected.0, &expected.1, &expected.2, &expected.3));
    }

    #[track_caller]
    fn data(found: &Json, expected: &Json) {
        assert_eq!(&found["data"], expected);
    }

    #[test]
    fn electricity_prepaid() {
        let inquired = inquiry(crate::testing::token_bill());
        top(&inquired, 20_250_000, 20_000_000, 250_000);
        data(
            &inquired,
            &json!({
                "customer_id": "520520795556", "customer_name": "RAISA", "meter_serial": "32012345678",
                "class": "R1  /000001300", "token_unsold1": "0", "token_unsold2": "0", "reff_no": "0SGW1234",
                "price": "200000", "admin_fee": "2500", "remark": "",
            }),
        );
        assert_eq!((&inquired["order_id"], &inquired["description"]), (&json!("520520795556"), &json!("")));
        let delivered = payment(crate::testing::delivered_token());
        top(&delivered, 20_250_000, 20_000_000, 250_000);
        assert_eq!(
            (&delivered["data"]["token"], &delivered["data"]["kwh"]),
            (&json!("12345678901234567890"), &json!("131.5"))
        );
        let lines = delivered["receipt_lines"].as_array().expect("lines");
        assert_eq!(delivered["receipt"], lines[0]);
        assert_eq!(lines[1], json!({"field": "Token", "value": "12345678901234567890"}));
    }

    #[test]
    fn electricity_postpaid() {
        let asked = due(Amount::rupiah(301_180), "NAME", &[("bill_period", "NOV17")]);
        let found = payment(paid(bill("SLYLPO", "530000000001", Some(asked), Amount::rupiah(301_180)), None, &[]));
        top(&found, 30_468_000, 30_118_000, 350_000);
        data(
            &found,
            &json!({
                "customer_id": "530000000001", "customer_name": "NAME", "total_bill": "1", "bill_period": "NOV17",
                "bill_amount": "301180", "admin_fee": "0",
            }),
        );
        assert_eq!(found["error_desc"], "Success");
    }

    #[test]
    fn health_insurance_whose_bill_holds_the_fee() {
        let fields = [
            ("family_number", "1"),
            ("bill_period", "1"),
            ("reff_code", "R1"),
            ("branch_code", "2301"),
            ("branch_name", "KANTOR"),
            ("remark", "-"),
            ("remain_payment", "0"),
        ];
        let asked = due(Amount::rupiah(105_000), "NAME", &fields);
        let found = inquiry(bill("BPJSKS", "8801835307911", Some(asked), Amount::rupiah(105_000)));
        top(&found, 10_500_000, 10_500_000, 500_000);
        data(
            &found,
            &json!({
                "va_number": "8801835307911", "customer_id": "8801835307911", "customer_name": "NAME",
                "family_number": "1", "bill_period": "1", "bill_amount": 105_000, "admin_fee": 5_000, "amount": 105_000,
                "remain_payment": 0, "reff_code": "R1", "branch_code": "2301", "branch_name": "KANTOR", "remark": "-",
            }),
        );
    }

    #[test]
    fn water() {
        let fields =
            [("bill_date", "201510"), ("cubication", "00000001-00000002"), ("penalty", "0"), ("provider_code", "11")];
        let asked = due(Amount::rupiah(120_000), "NAME", &fields);
        let inquired = bill("SLYPLJ", "400400400400400", Some(asked), Amount::rupiah(120_000));
        let found = inquiry(inquired.clone());
        top(&found, 12_350_000, 12_000_000, 350_000);
        data(
            &found,
            &json!({
                "bill_amount": "120000", "bill_date": "201510", "bill_total": "01", "cubication": "00000001-00000002",
                "customer_id": "400400400400400", "customer_name": "NAME", "penalty": "0", "provider_code": "11",
                "ref_no": "REF1",
            }),
        );
        assert_eq!(found["receipt"], json!({"field": "Reference Number", "value": "REF1"}));
        let found = payment(paid(inquired, None, &[]));
        let trace: Json = serde_json::from_str(found["mwData"].as_str().expect("a text")).expect("JSON in a text");
        assert!(trace["ftbpTraceNo"].as_str().is_some_and(|number| number.len() == 6), "{found}");
        assert_eq!(found["receipt"]["value"], "PAID1");
        assert_eq!(found["barcode_fee"], "");
    }

    #[test]
    fn mobile_prepaid_and_postpaid() {
        let found = inquiry(bill(
            "SVHTS50",
            "081218816222",
            Some(due(Amount::rupiah(49_500), "", &[])),
            Amount::rupiah(49_500),
        ));
        top(&found, 5_300_000, 4_950_000, 350_000);
        data(&found, &json!({"denomination": "50", "price": 49_500}));
        let fields = [("bill_ref", "108A000000"), ("region_code", "00")];
        let asked = due(Amount::rupiah(125_400), "NAME", &fields);
        let found = inquiry(bill("SPBTHL", "0888666777", Some(asked), Amount::rupiah(125_400)));
        assert_eq!(found["amount"], 12_540_000);
        data(
            &found,
            &json!({
                "phone_no": "0888666777", "bill_total": "1", "bill_ref": "108A000000", "bill_amount": "000000125400",
                "customer_name": "NAME", "region_code": "00",
            }),
        );
    }

    #[test]
    fn wallet_topup_and_bills_without_inquiry() {
        let asked = due(Amount::rupiah(100_000), "OVO NO** D** AN*****I", &[]);
        let found = inquiry(bill("SVH", "081218816222", Some(asked), Amount::rupiah(100_000)));
        top(&found, 10_166_500, 10_000_000, 166_500);
        data(&found, &json!({"customer_name": "OVO NO** D** AN*****I"}));
        let found = payment(paid(bill("STBIDV", "401101338833", None, Amount::rupiah(100_000)), None, &[]));
        assert_eq!(found["bankFee"], 0);
        data(&found, &json!({"customer_id": "401101338833", "amount": "000000100000"}));
        let found = payment(paid(bill("SCCANZ", "4111111111111111", None, Amount::rupiah(100_000)), None, &[]));
        data(&found, &json!({"card_no": "4111111111111111", "amount": "000000100000"}));
    }

    #[test]
    fn what_was_sold_before_the_catalogue_changed_is_still_told() {
        let mut sold = crate::testing::delivered_token();
        sold.product = lifecycle::ProductCode::new("GONE");
        let found = payment(sold);
        data(&found, &json!({"kwh": "131.5", "token": "12345678901234567890"}));
        assert!(found.get("receipt").is_none());
    }

    #[test]
    fn texts_of_a_biller_cannot_break_the_answer() {
        let fields = [("remain_payment", "a\"b"), ("remark", "\u{1}\\")];
        let asked = due(Amount::rupiah(105_000), "NA\"ME", &fields);
        let found = inquiry(bill("BPJSKS", "8801835307911", Some(asked), Amount::rupiah(105_000)));
        assert_eq!((&found["data"]["remain_payment"], &found["data"]["remark"]), (&json!("a\"b"), &json!("\u{1}\\")));
    }
}
