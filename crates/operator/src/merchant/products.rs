//! `merchant.products`

use lifecycle::{
    ProductCode,
    biller::{Category, Price},
    merchant::BillerAccess,
};
use serde_json::json;

use super::{MERCHANT, access, register};
use crate::{
    door::{Door, page_rows},
    fault::Fault,
    input::{Field, Input, Kind},
    limits::{PAGE_ROWS_MAX, PRODUCTS_MAX},
    operation::{Answer, Operation},
    view,
};

/// Shows and changes what a merchant may sell.
pub static OPERATION: Operation = Operation {
    name: "merchant.products",
    promise: "Shows the biller products that a merchant may sell, each with what it costs this merchant; first changes \
              them where the request says so.",
    fields: &[
        MERCHANT,
        Field::optional("products", Kind::Texts(PRODUCTS_MAX, 16), "It may sell these from now on, and no others."),
        Field::optional("all_products", Kind::Flag, "`true`: it may sell every product from now on."),
        Field::optional(
            "prices",
            Kind::Objects(PRODUCTS_MAX, PRICE_FIELDS),
            "What is agreed with this merchant from now on instead of these products' own prices.",
        ),
        Field::optional("category", Kind::Text(32), "Shows products of this category only."),
        Field::optional("after", Kind::Text(16), "Begins after this product: `next` of the page before."),
        Field::optional("limit", Kind::Number(PAGE_ROWS_MAX), "Products of the page; 100 if left out."),
    ],
    sample: r#"{"merchant":"WARUNG","all_products":true,"prices":[{"product":"PLNPREPAID","admin_fee":"2500.00","margin":"500.00"}]}"#,
    run: |door, input| Box::pin(run(door, input)),
};

const PRICE_FIELDS: &[Field] = &[
    Field::mandatory("product", Kind::Text(16), "The product."),
    Field::optional("admin_fee", Kind::Amount, "What the customer pays on top of the bill; nothing if left out."),
    Field::optional(
        "admin_fee_bp",
        Kind::Number(10_000),
        "The rest of it in hundredths of a percent of the bill; nothing if left out.",
    ),
    Field::optional("fee", Kind::Amount, "What the merchant pays beyond that; nothing if left out."),
    Field::optional("margin", Kind::Amount, "What the merchant keeps of the admin fee; nothing if left out."),
];

/// The codes, each of which there is a product of.
pub(super) fn known(door: &Door, field: &str, codes: &[String]) -> Result<Vec<ProductCode>, Fault> {
    let product = |code: &String| match door.engine.catalogue().product(code) {
        Some(product) => Ok(product.code.clone()),
        None => Err(Fault::field(field, format_args!("there is no product {code}"))),
    };
    codes.iter().map(product).collect()
}

async fn run(door: &Door, input: Input) -> Result<Answer, Fault> {
    let _one = door.registering.lock().await;
    door.know_registrations().await?;
    let partner = door.merchant(&input)?;
    let mut merchant = partner.merchant.clone();
    access(&merchant)?;
    let category = input.optional_text("category").map(|name| {
        Category::parse(&name).ok_or_else(|| {
            let all: Vec<_> = Category::ALL.iter().map(|category| category.name()).collect();
            Fault::field("category", format_args!("it must be one of {}", all.join(", ")))
        })
    });
    let category = category.transpose()?;
    if let Some(access) = &mut merchant.biller
        && change(door, &input, access)?
    {
        register(door, merchant.clone()).await?;
    }
    let access = access(&merchant)?;
    let limit = page_rows(&input);
    let sold =
        door.engine.catalogue().products().filter(|product| {
            access.has(&product.code) && category.is_none_or(|category| category == product.category)
        });
    let after = input.optional_text("after");
    let mut begun = after.is_none();
    let page: Vec<_> = sold
        .filter(|product| {
            let before = begun;
            begun = begun || after.as_deref() == Some(product.code.as_str());
            before
        })
        .take(limit)
        .collect();
    let shown = page.iter().map(|product| {
        let price = access.price(product);
        json!({
            "product": product.code.as_str(),
            "name": product.name,
            "category": product.category.name(),
            "operator": product.operator,
            "needs_inquiry": product.needs_inquiry,
            "admin_fee": view::sen(price.admin_fee_sen),
            "admin_fee_bp": price.admin_fee_bp,
            "fee": view::sen(price.fee_sen),
            "margin": view::sen(price.margin_sen),
            "agreed": access.prices.iter().any(|(code, _)| *code == product.code),
        })
    });
    Ok(Answer::Json(json!({
        "merchant": merchant.code.as_str(),
        "products": shown.collect::<Vec<_>>(),
        "next": view::next(&page, limit, |product| product.code.as_str().into()),
    })))
}

/// Whether anything changed.
fn change(door: &Door, input: &Input, access: &mut BillerAccess) -> Result<bool, Fault> {
    let all = input.flag("all_products") == Some(true);
    let products = input.texts("products");
    if all && products.is_some() {
        return Err(Fault::field("all_products", "it does not go with products"));
    }
    let mut changed = all && access.products.take().is_some();
    if let Some(codes) = products {
        access.products = Some(known(door, "products", &codes)?);
        changed = true;
    }
    for price in input.objects("prices").unwrap_or_default() {
        let code = known(door, "prices", &[price.text("product")?])?.remove(0);
        let sen = |name: &str| price.optional_amount(name).map_or(0, money::Amount::sen);
        let agreed = Price {
            admin_fee_sen: sen("admin_fee"),
            admin_fee_bp: price.number("admin_fee_bp").and_then(|bp| u32::try_from(bp).ok()).unwrap_or(0),
            fee_sen: sen("fee"),
            margin_sen: sen("margin"),
        };
        access.prices.retain(|(known, _)| *known != code);
        access.prices.push((code, agreed));
        changed = true;
    }
    Ok(changed)
}
