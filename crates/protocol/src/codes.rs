//! The registry of response codes: SNAP's table with Espay's rows. Server answers, client errors and the documentation
//! all come from here.
//!
//! A code has seven digits: HTTP status, service, case. Espay uses the standard's cases, sometimes with words of its
//! own; those stand in [`Case::also_sent_as`], so that a client recognises them.

use std::fmt;

/// The greatest length of a response message, in characters.
pub const MESSAGE_LENGTH_MAX: usize = 150;

/// The three categories of the standard.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Of the systems between the two parties.
    System,
    /// Of the message.
    Message,
    /// Of the business behind it.
    Business,
}

/// What a caller does who gets the code.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ClientAction {
    /// The outcome is known and will not change: done, or failed for good.
    Final,
    /// Correct the request, or what is registered, before sending again.
    Fix,
    /// The same request may succeed later, after waiting.
    Retry,
    /// The outcome is not known: ask with a status inquiry, never send as new.
    Inquire,
    /// Get a fresh B2B token and send once more.
    RenewToken,
    /// The customer has to link the account again.
    Relink,
    /// The customer has to prove who they are (one-time code) and the flow goes on.
    Challenge,
    /// Has to be settled between the two companies.
    Contact,
    /// 404/18: a success for transfers, VA payments, refunds and voids; a failure for direct debit.
    ByService,
}

/// Whose codes a row belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Family {
    /// SNAP's seven digits.
    Standard,
    /// The biller services' `error_code`; see [`crate::biller_codes`].
    Biller,
}

/// One row of the registry.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Case {
    /// The name of its constant.
    pub name: &'static str,
    /// Whose code it is.
    pub family: Family,
    /// The HTTP status, the first three digits of a standard code.
    pub http: u16,
    /// The last two digits of a standard code; the whole code of a biller service.
    pub case: &'static str,
    /// The message; `{field}` or `{reason}` stands for the argument.
    pub message: &'static str,
    /// The category.
    pub kind: Kind,
    /// What the caller does.
    pub client_action: ClientAction,
    /// Other texts that Espay is known to send with the same digits.
    pub also_sent_as: &'static [&'static str],
}

impl Case {
    /// The seven digits of this case for a service; a biller service's code is the same for each.
    ///
    /// ```
    /// assert_eq!(protocol::codes::INCONSISTENT_REQUEST.code("54"), "4045418");
    /// ```
    pub fn code(&self, service: &str) -> String {
        match self.family {
            Family::Standard => response_code(self.http, service, self.case),
            Family::Biller => self.case.to_owned(),
        }
    }

    /// The message with its argument, at most [`MESSAGE_LENGTH_MAX`] characters. Without an argument the place for it
    /// goes too.
    ///
    /// ```
    /// use protocol::codes;
    /// assert_eq!(codes::INVALID_MANDATORY_FIELD.message(Some("amount.value")), "Invalid Mandatory Field amount.value");
    /// assert_eq!(codes::UNAUTHORIZED.message(Some("Signature")), "Unauthorized. [Signature]");
    /// assert_eq!(codes::UNAUTHORIZED.message(None), "Unauthorized.");
    /// ```
    pub fn message(&self, argument: Option<&str>) -> String {
        let argument = argument.map(str::trim).filter(|text| !text.is_empty());
        let text = match (argument, self.placeholder()) {
            (_, None) => self.message.to_owned(),
            (Some(argument), Some(placeholder)) => self.message.replace(placeholder, argument),
            (None, Some(placeholder)) => {
                self.message.replace(&format!(" [{placeholder}]"), "").replace(&format!(" {placeholder}"), "")
            }
        };
        match text.char_indices().nth(MESSAGE_LENGTH_MAX) {
            Some((end, _)) => text[..end].to_owned(),
            None => text,
        }
    }

    /// Whether it says that a call was taken: an HTTP status of 2xx; of the biller services, whose refusals have it too,
    /// the one code of success.
    pub fn is_success(&self) -> bool {
        match self.family {
            Family::Standard => (200..300).contains(&self.http),
            Family::Biller => self.case == "0000",
        }
    }

    fn placeholder(&self) -> Option<&'static str> {
        ["{field}", "{reason}"].into_iter().find(|placeholder| self.message.contains(placeholder))
    }
}

impl fmt::Display for Case {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{} {}", self.http, self.case, self.message(None))
    }
}

/// The seven digits: HTTP status, two digits of the service, two digits of the case.
pub fn response_code(http: u16, service: &str, case: &str) -> String {
    debug_assert!(service.len() == 2 && case.len() == 2 && (100..600).contains(&http));
    format!("{http:03}{service:0>2}{case:0>2}")
}

/// The row with this HTTP status and these two digits.
pub fn find(http: u16, case: &str) -> Option<&'static Case> {
    CASES.iter().find(|row| row.http == http && row.case == case)
}

/// A response code taken apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ResponseCode<'a> {
    /// The first three digits.
    pub http: u16,
    /// The two digits of the service.
    pub service: &'a str,
    /// The last two digits.
    pub case: &'a str,
}

impl ResponseCode<'_> {
    /// The row of the registry; a case that we do not know is read by its HTTP status alone.
    pub fn known(&self) -> Option<&'static Case> {
        find(self.http, self.case)
    }

    /// What the caller does; unknown cases by their HTTP status: 5xx and 2xx other than 200 are unknown outcomes.
    pub fn client_action(&self) -> ClientAction {
        if let Some(case) = self.known() {
            return case.client_action;
        }
        match self.http {
            200 => ClientAction::Final,
            429 => ClientAction::Retry,
            400..500 => ClientAction::Fix,
            _ => ClientAction::Inquire,
        }
    }
}

/// Takes seven digits apart.
///
/// ```
/// use protocol::codes;
/// let code = codes::parse("4095400").unwrap();
/// assert_eq!(code.known(), Some(&codes::CONFLICT));
/// assert!(codes::parse("OK").is_none());
/// ```
pub fn parse(code: &str) -> Option<ResponseCode<'_>> {
    if code.len() != 7 || !code.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let http = code[..3].parse().ok()?;
    Some(ResponseCode { http, service: &code[3..5], case: &code[5..] })
}

macro_rules! cases {
    ($family:ident: $($name:ident $http:literal $case:literal $kind:ident $action:ident $message:literal $($also:literal)*;)*) => {
        $(
            #[doc = concat!("`", stringify!($http), "/", $case, "` ", $message)]
            pub const $name: $crate::codes::Case = $crate::codes::Case {
                name: stringify!($name),
                family: $crate::codes::Family::$family,
                http: $http,
                case: $case,
                message: $message,
                kind: $crate::codes::Kind::$kind,
                client_action: $crate::codes::ClientAction::$action,
                also_sent_as: &[$($also),*],
            };
        )*

        /// Every row, in the order of the table.
        pub const CASES: &[$crate::codes::Case] = &[$($name),*];
    };
}

pub(crate) use cases;

cases! { Standard:
    SUCCESSFUL 200 "00" System Final "Successful" "Request has been processed successfully" "Success";
    REQUEST_IN_PROGRESS 202 "00" System Inquire "Request In Progress";
    BAD_REQUEST 400 "00" System Fix "Bad Request";
    INVALID_FIELD_FORMAT 400 "01" Message Fix "Invalid Field Format {field}" "Invalid / Missing Field Format" "Duplicate referenceNo / paymentRequestId";
    INVALID_MANDATORY_FIELD 400 "02" Message Fix "Invalid Mandatory Field {field}" "Invalid mandatory field.";
    UNAUTHORIZED 401 "00" System Fix "Unauthorized. [{reason}]";
    INVALID_TOKEN_B2B 401 "01" System RenewToken "Invalid Token (B2B)" "IP Address rejected" "Invalid Transfer Confirmation" "Unknown Internal Server Failure, please retry the process again";
    INVALID_CUSTOMER_TOKEN 401 "02" System Relink "Invalid Customer Token";
    TOKEN_NOT_FOUND_B2B 401 "03" System RenewToken "Token Not Found (B2B)";
    CUSTOMER_TOKEN_NOT_FOUND 401 "04" System Relink "Customer Token Not Found";
    TRANSACTION_EXPIRED 403 "00" Business Final "Transaction Expired";
    FEATURE_NOT_ALLOWED 403 "01" System Contact "Feature Not Allowed [{reason}]";
    EXCEEDS_TRANSACTION_AMOUNT_LIMIT 403 "02" Business Final "Exceeds Transaction Amount Limit";
    SUSPECTED_FRAUD 403 "03" Business Final "Suspected Fraud";
    ACTIVITY_COUNT_LIMIT_EXCEEDED 403 "04" Business Retry "Activity Count Limit Exceeded";
    DO_NOT_HONOR 403 "05" Business Final "Do Not Honor";
    FEATURE_NOT_ALLOWED_AT_THIS_TIME 403 "06" System Retry "Feature Not Allowed At This Time. [{reason}]";
    CARD_BLOCKED 403 "07" Business Final "Card Blocked";
    CARD_EXPIRED 403 "08" Business Relink "Card Expired";
    DORMANT_ACCOUNT 403 "09" Business Final "Dormant Account";
    NEED_TO_SET_TOKEN_LIMIT 403 "10" Business Fix "Need To Set Token Limit";
    OTP_BLOCKED 403 "11" System Retry "OTP Blocked";
    OTP_LIFETIME_EXPIRED 403 "12" System Challenge "OTP Lifetime Expired";
    OTP_SENT_TO_CARDHOLDER 403 "13" System Challenge "OTP Sent To Cardholder";
    INSUFFICIENT_FUNDS 403 "14" Business Final "Insufficient Funds";
    TRANSACTION_NOT_PERMITTED 403 "15" Business Final "Transaction Not Permitted. [{reason}]";
    SUSPEND_TRANSACTION 403 "16" Business Contact "Suspend Transaction";
    TOKEN_LIMIT_EXCEEDED 403 "17" Business Fix "Token Limit Exceeded";
    INACTIVE_ACCOUNT 403 "18" Business Final "Inactive Card/Account/Customer";
    MERCHANT_BLACKLISTED 403 "19" Business Contact "Merchant Blacklisted";
    MERCHANT_LIMIT_EXCEED 403 "20" Business Retry "Merchant Limit Exceed";
    SET_LIMIT_NOT_ALLOWED 403 "21" Business Final "Set Limit Not Allowed";
    TOKEN_LIMIT_INVALID 403 "22" Business Fix "Token Limit Invalid";
    ACCOUNT_LIMIT_EXCEED 403 "23" Business Retry "Account Limit Exceed";
    INVALID_TRANSACTION_STATUS 404 "00" Business Inquire "Invalid Transaction Status";
    TRANSACTION_NOT_FOUND 404 "01" Business Inquire "Transaction Not Found";
    INVALID_ROUTING 404 "02" System Final "Invalid Routing";
    BANK_NOT_SUPPORTED_BY_SWITCH 404 "03" System Final "Bank Not Supported By Switch";
    TRANSACTION_CANCELLED 404 "04" Business Final "Transaction Cancelled";
    MERCHANT_NOT_REGISTERED_FOR_CARD_REGISTRATION 404 "05" Business Contact "Merchant Is Not Registered For Card Registration Services";
    NEED_TO_REQUEST_OTP 404 "06" System Challenge "Need To Request OTP";
    JOURNEY_NOT_FOUND 404 "07" System Fix "Journey Not Found";
    INVALID_MERCHANT 404 "08" Business Fix "Invalid Merchant";
    NO_ISSUER 404 "09" Business Final "No Issuer";
    INVALID_API_TRANSITION 404 "10" System Fix "Invalid API Transition";
    INVALID_ACCOUNT 404 "11" Business Fix "Invalid Card/Account/Customer [{reason}]/Virtual Account";
    INVALID_BILL 404 "12" Business Final "Invalid Bill/Virtual Account [{reason}]" "Invalid Bill / Virtual Account.";
    INVALID_AMOUNT 404 "13" Business Fix "Invalid Amount" "Invalid Amount. The amount doesn't match with what supposed to";
    PAID_BILL 404 "14" Business Final "Paid Bill" "Bill has been paid";
    INVALID_OTP 404 "15" System Challenge "Invalid OTP";
    PARTNER_NOT_FOUND 404 "16" Business Fix "Partner Not Found";
    INVALID_TERMINAL 404 "17" Business Fix "Invalid Terminal";
    INCONSISTENT_REQUEST 404 "18" Business ByService "Inconsistent Request";
    EXPIRED_BILL 404 "19" Business Final "Invalid Bill/Virtual Account";
    REQUESTED_FUNCTION_IS_NOT_SUPPORTED 405 "00" System Final "Requested Function Is Not Supported";
    REQUESTED_OPERATION_IS_NOT_ALLOWED 405 "01" Business Final "Requested Operation Is Not Allowed" "undefined transaction fee";
    CONFLICT 409 "00" System Inquire "Conflict";
    DUPLICATE_PARTNER_REFERENCE_NO 409 "01" System Inquire "Duplicate partnerReferenceNo";
    TOO_MANY_REQUESTS 429 "00" System Retry "Too Many Requests";
    GENERAL_ERROR 500 "00" System Inquire "General Error";
    INTERNAL_SERVER_ERROR 500 "01" System Inquire "Internal Server Error" "Cannot map server service";
    EXTERNAL_SERVER_ERROR 500 "02" System Inquire "External Server Error";
    TIMEOUT 504 "00" System Inquire "Timeout";
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn every_case_is_unique_and_in_order() {
        let keys: Vec<_> = CASES.iter().map(|row| (row.http, row.case)).collect();
        assert!(keys.is_sorted(), "by HTTP status and case");
        assert_eq!(keys.iter().collect::<HashSet<_>>().len(), CASES.len());
        let names: HashSet<_> = CASES.iter().map(|row| row.name).collect();
        assert_eq!(names.len(), CASES.len());
    }

    #[test]
    fn the_registry_has_every_row_of_the_standard() {
        for (http, count) in [
            (200, 1),
            (202, 1),
            (400, 3),
            (401, 5),
            (403, 24),
            (404, 20),
            (405, 2),
            (409, 2),
            (429, 1),
            (500, 3),
            (504, 1),
        ] {
            let found = CASES.iter().filter(|row| row.http == http);
            for (place, row) in found.clone().enumerate() {
                assert_eq!(row.case, format!("{place:02}"), "{}", row.name);
            }
            assert_eq!(found.count(), count, "{http}");
        }
    }

    #[test]
    fn every_code_has_seven_digits_and_reads_back() {
        for row in CASES {
            let code = row.code("54");
            assert_eq!(code.len(), 7, "{}", row.name);
            let read = parse(&code).expect("seven digits");
            assert_eq!((read.http, read.service), (row.http, "54"));
            assert_eq!(read.known(), Some(row));
            assert_eq!(read.client_action(), row.client_action);
        }
    }

    #[test]
    fn messages_take_their_argument_and_lose_its_place_without_one() {
        for row in CASES {
            for message in [row.message(None), row.message(Some("x"))] {
                assert!(!message.contains(['{', '}']), "{message}");
                assert!(message.len() <= MESSAGE_LENGTH_MAX);
            }
            assert!(!row.message(None).contains(['[', ']']), "{}", row.name);
        }
        assert_eq!(INVALID_ACCOUNT.message(None), "Invalid Card/Account/Customer/Virtual Account");
        assert_eq!(CONFLICT.message(Some("ignored")), "Conflict");
    }

    #[test]
    fn messages_are_cut_at_150_characters_not_bytes() {
        let message = INVALID_FIELD_FORMAT.message(Some(&"é".repeat(200)));
        assert_eq!(message.chars().count(), MESSAGE_LENGTH_MAX);
    }

    #[test]
    fn unknown_cases_are_read_by_their_status() {
        for (code, action) in [
            ("2005499", ClientAction::Final),
            ("2025499", ClientAction::Inquire),
            ("4004721", ClientAction::Fix),
            ("4295499", ClientAction::Retry),
            ("5035400", ClientAction::Inquire),
        ] {
            let read = parse(code).expect("seven digits");
            assert_eq!((read.known(), read.client_action()), (None, action), "{code}");
        }
        for text in ["", "200540", "20054000", "２００５"] {
            assert_eq!(parse(text), None);
        }
    }
}
