//! The page of products, printed from the data. A test compares `docs/reference/products.md` with it, and rewrites the
//! file when it is told to.

use std::fmt::Write;

use lifecycle::biller::{BillerProduct, Category, Pricing, Window};
use money::Amount;

use crate::Catalogue;

const INTRODUCTION: &str = "\
# Biller products

<!-- Printed from `crates/catalogue/products`; changed there, never here. -->

What `product_code` may be, by category. *Bill* is the face value or where the amount comes from: *due* is what the biller
says at inquiry, *open* is the customer's choice. *Admin* is what the customer pays on top unless something else was
agreed; *sources* are asked in this order. Codes marked with a star are Gerbang's own; the others are Espay's. A customer's
number is digits unless letters are mentioned.
";

/// `docs/reference/products.md`: every product that comes with the program.
pub fn products_page(catalogue: &Catalogue) -> String {
    let mut out = INTRODUCTION.to_owned();
    for category in Category::ALL {
        let products: Vec<_> = catalogue.products().filter(|product| product.category == category).collect();
        let _ = write!(out, "\n## {} ({})\n\n", category.name(), products.len());
        out.push_str("| code | name | number | inquiry | bill | admin | closed | sources |\n");
        out.push_str("| --- | --- | --- | --- | --- | --- | --- | --- |\n");
        for product in products {
            push_row(&mut out, product);
        }
    }
    out
}

fn push_row(out: &mut String, product: &BillerProduct) {
    let star = if product.own_code { "*" } else { "" };
    let inquiry = if product.needs_inquiry { "yes" } else { "no" };
    let sources: Vec<_> = product.sources.iter().map(|source| source.connector.as_str()).collect();
    let cells = [
        format!("`{}`{star}", product.code),
        product.name.clone(),
        number(product),
        inquiry.to_owned(),
        bill(product.pricing),
        admin(product),
        product.cut_off.map(hours).unwrap_or_default(),
        sources.join(", "),
    ];
    let _ = writeln!(out, "| {} |", cells.join(" | "));
}

fn number(product: &BillerProduct) -> String {
    let rule = &product.order;
    let length = match (rule.length_min, rule.length_max) {
        (min, max) if min == max => min.to_string(),
        (min, max) => format!("{min} to {max}"),
    };
    let letters = if rule.letters { ", letters too" } else { "" };
    format!("{}, {length}{letters}", rule.name)
}

fn bill(pricing: Pricing) -> String {
    match pricing {
        Pricing::Denomination { face, bill_amount } if face == bill_amount => face.display_text(),
        Pricing::Denomination { face, bill_amount } => {
            format!("{} for {}", bill_amount.display_text(), face.display_text())
        }
        Pricing::Due => "due".to_owned(),
        Pricing::Open { min, max } => format!("open, {} to {}", min.display_text(), max.display_text()),
    }
}

fn admin(product: &BillerProduct) -> String {
    let fixed = Amount::from_sen(product.price.admin_fee_sen).unwrap_or(Amount::ZERO).display_text();
    let included = if product.admin_included { ", in the bill" } else { "" };
    match product.price.admin_fee_bp {
        0 => format!("{fixed}{included}"),
        points => format!("{fixed} and {}.{:02} %{included}", points / 100, points % 100),
    }
}

fn hours(window: Window) -> String {
    let clock = |minute: u16| format!("{:02}:{:02}", minute / 60, minute % 60);
    format!("{}-{}", clock(window.from_minute), clock(window.to_minute))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_page_is_what_the_data_say() {
        let printed = products_page(&Catalogue::builtin());
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/reference/products.md");
        if std::env::var_os("UPDATE_REFERENCE").is_some() {
            std::fs::write(path, &printed).expect("the folder of the reference");
        }
        assert!(
            std::fs::read_to_string(path).unwrap_or_default() == printed,
            "docs/reference/products.md is not what the data say; \
             `UPDATE_REFERENCE=1 cargo nextest run -p catalogue reference` rewrites it"
        );
    }
}
