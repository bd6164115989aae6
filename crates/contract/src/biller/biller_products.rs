//! Check Biller Products: what a merchant may sell, and what each product costs it.

use lifecycle::{
    Answer, Command,
    biller::{BillerProduct, Pricing},
    merchant::BillerAccess,
    request::ServiceCode,
};
use money::Amount;
use protocol::{biller_codes as biller, codes::Case};

use crate::{
    biller_envelope::{self, Echo, reply_saying},
    biller_parts,
    document::Document,
    field::{Field, Kind},
    json::ObjectWriter,
    operation::{Fault, Input, Operation, ReadContext, Reading, ReplyBody, Trust, WriteContext},
};

const PAGE: &str = "Espay, Check Biller Products";
const OURS: &str = "Gerbang";

const FIELDS: &[Field] = &[
    biller_parts::rq_uuid_row(PAGE),
    biller_parts::rq_datetime_row(PAGE),
    biller_parts::sender_id_row(PAGE, 32),
    biller_parts::password_row(PAGE),
    biller_parts::signature_row(),
];

const REPLY_FIELDS: &[Field] = &[
    biller_parts::echo_row(PAGE),
    biller_parts::answered_at_row(OURS),
    biller_parts::error_code_row(PAGE),
    biller_parts::error_desc_row(PAGE),
    biller_parts::error_message_row(OURS),
    biller_parts::answered_at_too_row(PAGE),
    Field::mandatory(OURS, "products", Kind::Array, "The products that you may sell."),
    Field::optional(PAGE, "products.product", Kind::Text(16), "Its code, `product_code` of the other services."),
    Field::optional(OURS, "products.product_name", Kind::Text(64), "Its name for your customers."),
    Field::optional(OURS, "products.category", Kind::Text(16), "Its category."),
    Field::optional(OURS, "products.operator", Kind::Text(64), "Who is paid in the end."),
    Field::optional(OURS, "products.order_name", Kind::Text(64), "What its `order_id` is called."),
    Field::optional(
        OURS,
        "products.inquiry",
        Kind::OneOf(&["Y", "N"]),
        "Whether Bill Inquiry comes before Bill Payment.",
    ),
    Field::optional(
        OURS,
        "products.amount_type",
        Kind::OneOf(&["FIXED", "DUE", "OPEN"]),
        "The same for everybody, what the biller says, or what the customer chooses.",
    ),
    Field::optional(OURS, "products.amount", Kind::Number, "Of a fixed one: what the customer pays, in hundredths."),
    Field::optional(
        OURS,
        "products.bill_amount",
        Kind::Number,
        "Of a fixed one: without the admin fee, in hundredths.",
    ),
    Field::optional(OURS, "products.amount_min", Kind::Number, "Of an open one: the least, in hundredths."),
    Field::optional(OURS, "products.amount_max", Kind::Number, "Of an open one: the most, in hundredths."),
    Field::optional(
        OURS,
        "products.admin_fee",
        Kind::Number,
        "What the customer pays beside the bill, in hundredths; of bills of several months, for each.",
    ),
    Field::optional(OURS, "products.admin_fee_bp", Kind::Number, "And in hundredths of a percent of the bill."),
    Field::optional(OURS, "products.fee", Kind::Number, "What you pay beyond that, in hundredths."),
    Field::optional(OURS, "products.margin", Kind::Number, "Your share of the admin fee, in hundredths."),
    Field::optional(OURS, "products.open", Kind::OneOf(&["Y", "N"]), "Whether it can be sold now."),
    Field::optional(OURS, "products.closed_until", Kind::JakartaTime, "Until when it is closed, when it is."),
];

/// See the module.
pub struct BillerProducts;

impl Operation for BillerProducts {
    fn name(&self) -> &'static str {
        "biller_products"
    }
    fn service(&self) -> ServiceCode {
        ServiceCode::BILLER_PRODUCTS
    }
    fn title(&self) -> &'static str {
        "Check Biller Products"
    }
    fn promise(&self) -> &'static str {
        "Lists the products that you may sell with your prices. The documents do not print the parts of this service's \
         signature; they are those of Check Balance."
    }
    fn method(&self) -> &'static str {
        "POST"
    }
    fn paths(&self) -> &'static [&'static str] {
        &["/rest/billertools/getregisteredproducts"]
    }
    fn trust(&self) -> Trust {
        Trust::Biller
    }
    fn input(&self) -> Input {
        Input::Form
    }
    fn signature_parts(&self) -> &'static [&'static str] {
        &["sender_id", "rq_uuid"]
    }
    fn fields(&self) -> &'static [Field] {
        FIELDS
    }
    fn reply_fields(&self) -> &'static [Field] {
        REPLY_FIELDS
    }
    fn cases(&self) -> &'static [&'static Case] {
        &[&biller::SUCCESS]
    }
    fn sample(&self) -> &'static str {
        include_str!("../../samples/biller_products.json")
    }
    fn reply_sample(&self) -> &'static str {
        include_str!("../../samples/biller_products_reply.json")
    }

    fn read(&self, _: &Document<'_>, context: &ReadContext<'_>) -> Result<Reading, Fault> {
        Ok(Reading::Command(Box::new(Command::ListBillerProducts(context.request(self, None)))))
    }

    fn write(&self, answer: &Answer, context: &WriteContext<'_>) -> ReplyBody {
        let (Answer::BillerProducts, Some(access)) = (answer, &context.merchant.biller) else {
            return biller_envelope::otherwise(self.service(), answer, Echo::of(context));
        };
        let own =
            context.catalogue.products().filter(|product| access.has(&product.code) && !product.sources.is_empty());
        reply_saying(Echo::of(context), &biller::SUCCESS, biller::SUCCESS.message, |object| {
            object.text("rq_datetime", &context.now.jakarta_text()).array("products", own, |product, item| {
                write_product(item, product, access, context);
            });
        })
    }
}

fn write_product(item: &mut ObjectWriter, product: &BillerProduct, access: &BillerAccess, context: &WriteContext<'_>) {
    let price = access.price(product);
    let yes_or_no = |yes: bool| if yes { "Y" } else { "N" };
    item.text("product", product.code.as_str())
        .text("product_name", &product.name)
        .text("category", product.category.name())
        .text("operator", &product.operator)
        .text("order_name", &product.order.name)
        .text("inquiry", yes_or_no(product.needs_inquiry));
    let hundredths = |amount: Amount| amount.hundredths_text();
    match product.pricing {
        Pricing::Denomination { bill_amount, .. } => {
            item.text("amount_type", "FIXED");
            if let Ok(quote) = price.quote(bill_amount) {
                item.raw("amount", &hundredths(quote.amount));
            }
            item.raw("bill_amount", &hundredths(bill_amount));
        }
        Pricing::Due => {
            item.text("amount_type", "DUE");
        }
        Pricing::Open { min, max } => {
            item.text("amount_type", "OPEN").raw("amount_min", &hundredths(min)).raw("amount_max", &hundredths(max));
        }
    }
    let closed = context.catalogue.closed(product, context.now);
    item.raw("admin_fee", &price.admin_fee_sen.to_string())
        .raw("admin_fee_bp", &price.admin_fee_bp.to_string())
        .raw("fee", &price.fee_sen.to_string())
        .raw("margin", &price.margin_sen.to_string())
        .text("open", yes_or_no(closed.is_none()))
        .optional("closed_until", closed.map(|closed| closed.until_text()).as_deref());
}

#[cfg(test)]
mod tests {
    use lifecycle::{Merchant, ProductCode, biller::Price, merchant::Mechanism};

    use super::*;
    use crate::testing;

    fn listed(merchant: &Merchant, at: &str) -> Vec<serde_json::Value> {
        let now = calendar::Instant::parse(at).expect("a time");
        let context = WriteContext { base_url: "", merchant, catalogue: testing::builtin(), external_id: "U", now };
        let reply = BillerProducts.write(&Answer::BillerProducts, &context);
        let json: serde_json::Value = serde_json::from_slice(&reply.body).expect("JSON");
        assert_eq!(json["error_code"], "0000");
        json["products"].as_array().expect("a list").clone()
    }

    fn merchant(access: BillerAccess) -> Merchant {
        Merchant { biller: Some(access), ..testing::merchant() }
    }

    #[test]
    fn lists_the_merchants_own_products_at_its_own_price() {
        let mut access = testing::biller_access(Mechanism::Deposit { low_balance: None });
        access.products = Some(vec![ProductCode::new("SLYLPR200"), ProductCode::new("SVH"), ProductCode::new("GONE")]);
        let agreed = Price { admin_fee_sen: 300_000, fee_sen: 5_000, margin_sen: 100_000, ..Price::default() };
        access.prices = vec![(ProductCode::new("SLYLPR200"), agreed)];
        let found = listed(&merchant(access), "2024-03-14T12:00:00+07:00");
        assert_eq!(found.len(), 2);
        assert_eq!((&found[0]["product"], &found[0]["amount"]), (&"SLYLPR200".into(), &20_300_000.into()));
        assert_eq!((&found[0]["fee"], &found[0]["margin"]), (&5_000.into(), &100_000.into()));
        assert_eq!((&found[0]["inquiry"], &found[0]["open"]), (&"Y".into(), &"Y".into()));
        assert_eq!((&found[1]["amount_type"], &found[1]["amount_min"]), (&"OPEN".into(), &1_000_000.into()));
    }

    #[test]
    fn a_merchant_without_a_list_sells_everything_and_hears_what_is_closed() {
        let mut access = testing::biller_access(Mechanism::Deposit { low_balance: None });
        access.products = None;
        let found = listed(&merchant(access), "2024-03-14T23:30:00+07:00");
        assert_eq!(found.len(), testing::builtin().products().len());
        let token = found.iter().find(|product| product["product"] == "SLYLPR200").expect("it is listed");
        assert_eq!((&token["open"], &token["closed_until"]), (&"N".into(), &"2024-03-15 01:00:00".into()));
    }
}
