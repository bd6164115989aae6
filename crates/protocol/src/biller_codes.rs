//! The error table of the biller services: `error_code`, one code for all of them.
//!
//! The documents' own table is not public. Every code that was seen in their samples is kept with its meaning (`0000`,
//! `210`, `405`, `610`, `800`, `9999`, `EX`); of `801` and `802` it is only known that they exist and are failures, and
//! they say here what stands beside `800`. The rest are ours: 101 to 119 for a call that cannot be taken as it stands, 121
//! to 129 for a payment or question that fits no inquiry or bill, 310 to 319 for what the biller says of the customer's
//! bill, 406 to 419 for a product that cannot be sold now, 510 to 519 for a biller's other no, 901 to 909 for our own
//! trouble.
//!
//! A refusal is answered with HTTP 200, as the documents have it, but for failed authentication, bodies that cannot be
//! read, and our own trouble.

use crate::codes::{Case, cases};

/// The greatest length of `error_desc` and `error_message`, in characters.
pub const DESCRIPTION_LENGTH_MAX: usize = 128;

/// `error_desc` of a success that is not final: the product is not delivered yet.
pub const IN_PROCESS_TEXT: &str = "Inproses";

/// The row of this code.
///
/// ```
/// use protocol::biller_codes;
/// assert_eq!(biller_codes::find("210"), Some(&biller_codes::UUID_EXISTS));
/// assert_eq!(biller_codes::find("211"), None);
/// ```
pub fn find(code: &str) -> Option<&'static Case> {
    CASES.iter().find(|case| case.case == code)
}

/// The text of a row with its argument, at most [`DESCRIPTION_LENGTH_MAX`] characters.
pub fn description(case: &Case, argument: Option<&str>) -> String {
    let text = case.message(argument);
    match text.char_indices().nth(DESCRIPTION_LENGTH_MAX) {
        Some((end, _)) => text[..end].to_owned(),
        None => text,
    }
}

cases! { Biller:
    SUCCESS 200 "0000" System Final "Success" "Inproses";
    INVALID_REQUEST 400 "101" System Fix "Invalid request [{reason}]";
    MISSING_FIELD 200 "102" Message Fix "Missing field {field}";
    INVALID_FIELD 200 "103" Message Fix "Invalid field {field}";
    AUTHENTICATION_FAILED 401 "104" System Fix "Authentication failed [{reason}]";
    BODY_TOO_LARGE 413 "105" System Fix "Request body too large [{reason}]";
    UNSUPPORTED_MEDIA_TYPE 415 "106" System Fix "Content-Type must be application/x-www-form-urlencoded";
    INVALID_SENDER 200 "111" Message Fix "Invalid sender_id";
    INVALID_PASSWORD 200 "112" Message Fix "Invalid password";
    INVALID_SIGNATURE 200 "113" Message Fix "Invalid signature";
    NOT_INQUIRED 200 "121" Business Fix "No inquiry of this order_id and product_code";
    INQUIRY_EXPIRED 200 "122" Business Fix "The inquiry has expired, inquire again";
    AMOUNT_DIFFERS 200 "123" Business Fix "Invalid amount, not that of the inquiry or of the product";
    TRANSACTION_NOT_FOUND 200 "124" Business Fix "Transaction not found";
    NO_DEPOSIT 200 "125" Business Contact "Only merchants with a deposit have a balance";
    REVERSED 200 "126" Business Final "Transaction was reversed by the biller";
    UUID_EXISTS 200 "210" Message Inquire "UUID already exist";
    CUSTOMER_UNKNOWN 200 "310" Business Final "Unknown customer number";
    BILL_PAID 200 "311" Business Final "Bill already paid";
    NOTHING_DUE 200 "312" Business Final "No bill is due";
    LIMIT_EXCEEDED 200 "313" Business Final "Limit exceeded";
    CUSTOMER_BLOCKED 200 "314" Business Final "The customer's account cannot be used";
    PRODUCT_DENIED 200 "405" Business Contact "product denied";
    PRODUCT_CLOSED 200 "406" Business Retry "Product is closed [{reason}]";
    PRODUCT_UNAVAILABLE 200 "407" Business Retry "Product is not available at the moment";
    REFUSED_BY_BILLER 200 "510" Business Final "Refused by the biller";
    BILLER_UNREACHABLE 200 "511" System Retry "The biller cannot be reached";
    SAME_TRANSACTION 200 "610" Business Inquire "The same transaction is allowed again only after 5 minutes";
    DEPOSIT_INSUFFICIENT 200 "800" Business Contact "Deposit balance is insufficient";
    CREDIT_LIMIT_EXCEEDED 200 "801" Business Contact "Credit limit exceeded";
    INVOICE_OVERDUE 200 "802" Business Contact "An invoice is overdue";
    BUSY 429 "901" System Retry "Too many requests";
    INTERNAL_ERROR 500 "902" System Inquire "Internal error";
    SUSPECT 200 "9999" Business Inquire "Suspect";
    EXECUTION_TIMEOUT 200 "EX" System Inquire "Timeout while execution";
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn codes_and_names_are_unique_and_texts_fit() {
        assert_eq!(CASES.iter().map(|case| case.case).collect::<HashSet<_>>().len(), CASES.len());
        assert_eq!(CASES.iter().map(|case| case.name).collect::<HashSet<_>>().len(), CASES.len());
        assert!(CASES.iter().map(|case| case.case).is_sorted(), "in the order of the codes");
        for case in CASES {
            assert!((2..=4).contains(&case.case.len()), "{case}");
            assert_eq!((case.code("BP"), find(case.case)), (case.case.to_owned(), Some(case)));
            for text in [description(case, None), description(case, Some("x"))] {
                assert!(!text.is_empty() && !text.contains(['{', '}']) && text.len() <= DESCRIPTION_LENGTH_MAX);
            }
        }
        assert_eq!(description(&MISSING_FIELD, Some(&"é".repeat(200))).chars().count(), DESCRIPTION_LENGTH_MAX);
    }

    #[test]
    fn every_code_of_the_samples_is_kept() {
        for code in ["0000", "210", "405", "610", "800", "801", "802", "9999", "EX"] {
            assert!(find(code).is_some(), "{code}");
        }
        assert_eq!(UUID_EXISTS.message(None), "UUID already exist");
        assert_eq!(PRODUCT_DENIED.message(None), "product denied");
    }

    #[test]
    fn only_one_code_is_a_success() {
        assert_eq!(CASES.iter().filter(|case| case.is_success()).map(|case| case.case).collect::<Vec<_>>(), ["0000"]);
    }
}
