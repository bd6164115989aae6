//! Linkage: get to know a customer's wallet or account, link it, read it, charge it, unlink it. One file per operation.

pub mod account_binding;
pub mod account_creation;
pub mod account_inquiry;
pub mod account_unbinding;
pub mod balance_inquiry;
pub mod cancel;
pub mod debit_status;
pub mod get_auth_code;
pub mod inquiry_merchant_info;
pub mod inquiry_status;
pub mod payment_host_to_host;
pub mod refund;

use crate::operation::Operation;

/// The operations, in the order in which an integration meets them.
pub static OPERATIONS: &[&dyn Operation] = &[
    &inquiry_merchant_info::InquiryMerchantInfo,
    &account_creation::AccountCreation,
    &get_auth_code::GetAuthCode,
    &account_binding::AccountBinding,
    &account_inquiry::AccountInquiry,
    &balance_inquiry::BalanceInquiry,
    &payment_host_to_host::PaymentHostToHost,
    &inquiry_status::InquiryStatus,
    &debit_status::DebitStatus,
    &cancel::Cancel,
    &refund::Refund,
    &account_unbinding::AccountUnbinding,
];

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn every_file_of_the_folder_is_in_the_list() {
        let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/src/linkage");
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
