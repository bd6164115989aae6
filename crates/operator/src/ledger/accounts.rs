//! `ledger.accounts`

use ledger::{Account, AccountName, Class};
use lifecycle::{Key, Row};
use serde_json::json;

use crate::{
    door::{Door, page_rows},
    fault::Fault,
    input::{Field, Input, Kind},
    limits::{MERCHANT_CODE_MAX, PAGE_ROWS_MAX},
    operation::{Answer, Operation},
    view,
};

/// Lists accounts.
pub static OPERATION: Operation = Operation {
    name: "ledger.accounts",
    promise: "Lists the ledger's accounts by name as they stand: all of them, or those of one merchant.",
    fields: &[
        Field::optional("merchant", Kind::Text(MERCHANT_CODE_MAX), "Only this merchant's, all on one page."),
        Field::optional("after", Kind::Text(200), "Begins after this account: `next` of the page before."),
        Field::optional("limit", Kind::Number(PAGE_ROWS_MAX), "Accounts of the page; 100 if left out."),
    ],
    sample: r#"{"merchant":"WARUNG"}"#,
    run: |door, input| Box::pin(run(door, input)),
};

async fn run(door: &Door, input: Input) -> Result<Answer, Fault> {
    let limit = page_rows(&input);
    let (accounts, next) = match input.has("merchant") {
        true => (of_merchant(door, door.merchant(&input)?.merchant.code.as_str()).await?, serde_json::Value::Null),
        false => {
            let after = input.optional_text("after").map(|name| name.parse::<AccountName>());
            let after = after.transpose().map_err(|error| Fault::field("after", error))?;
            let page = door.read(move |reader| reader.accounts(after.as_ref(), limit)).await?;
            let next = view::next(&page, limit, |account| account.name.to_string().into());
            (page, next)
        }
    };
    Ok(Answer::Json(json!({ "accounts": accounts.iter().map(view::account).collect::<Vec<_>>(), "next": next })))
}

/// Every account of a merchant that anything was posted to.
async fn of_merchant(door: &Door, merchant: &str) -> Result<Vec<Account>, Fault> {
    let mut accounts = vec![];
    for class in Class::ALL.into_iter().filter(|class| !class.has_provider()) {
        if let Some(Row::Account(account)) = door.row(Key::Account(AccountName::of(class, merchant))).await? {
            accounts.push(*account);
        }
    }
    // The name of a float or a claim ends with its provider's.
    for mut after in [AccountName::float(merchant, ""), AccountName::claim(merchant, "")] {
        loop {
            let asked = after.clone();
            let page = door.read(move |reader| reader.accounts(Some(&asked), 1)).await?;
            match page.into_iter().next() {
                Some(account) if account.name.class() == after.class() && account.name.merchant() == merchant => {
                    after = account.name.clone();
                    accounts.push(account);
                }
                _ => break,
            }
        }
    }
    accounts.sort_by(|one, other| one.name.cmp(&other.name));
    Ok(accounts)
}
