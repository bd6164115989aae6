//! Biller services: know the products, ask what a customer owes, pay it, learn what came of it. One file per operation.
//!
//! They are older than the standard: forms in, JSON out, Basic authentication and a hash signature, amounts in hundredths
//! of a rupiah. What they share stands beside this folder: the envelope, the rows, and how a bill is written.

pub mod bill_inquiry;
pub mod bill_payment;
pub mod bill_status;
pub mod biller_balance;
pub mod biller_products;

use crate::operation::Operation;

/// The operations, in the order in which an integration meets them.
pub static OPERATIONS: &[&dyn Operation] = &[
    &biller_products::BillerProducts,
    &bill_inquiry::BillInquiry,
    &bill_payment::BillPayment,
    &bill_status::BillStatusInquiry,
    &biller_balance::BillerBalance,
];

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn every_file_of_the_folder_is_in_the_list() {
        let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/src/biller");
        let files: BTreeSet<String> = std::fs::read_dir(folder)
            .expect("the folder of this file")
            .map(|entry| entry.expect("an entry").file_name().to_string_lossy().into_owned())
            .filter_map(|name| name.strip_suffix(".rs").map(str::to_owned))
            .filter(|name| name != "mod")
            .collect();
        let listed: BTreeSet<String> = OPERATIONS.iter().map(|operation| operation.name().to_owned()).collect();
        assert_eq!(files, listed);
        assert_eq!(OPERATIONS.len(), listed.len(), "no operation is listed twice");
    }
}
