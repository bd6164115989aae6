//! Every limit of the door.

/// The largest body of a request, in bytes.
pub const BODY_BYTES_MAX: usize = 64 * 1024;
/// Rows of a page when the request names no number.
pub const PAGE_ROWS: u64 = 100;
/// The most rows of a page.
pub const PAGE_ROWS_MAX: u64 = 1_000;
/// Rows that are read of the store at a time, where all are read.
pub const READ_ROWS: usize = 1_000;
/// The most lines of an invoice as CSV.
pub const CSV_LINES_MAX: usize = 100_000;
/// The most lines of an invoice as PDF: some five hundred pages.
pub const PDF_LINES_MAX: usize = 20_000;
/// The most characters of a merchant code, as the wire has it.
pub const MERCHANT_CODE_MAX: usize = 50;
/// The most characters of a source's name.
pub const SOURCE_MAX: usize = 40;
/// The most characters of a name.
pub const NAME_MAX: usize = 100;
/// The most characters of an operator's reference.
pub const REFERENCE_MAX: usize = 64;
/// The most characters of an address.
pub const URL_MAX: usize = 512;
/// The most characters of a public key in PEM.
pub const PEM_MAX: usize = 4_096;
/// The most products that a request may name.
pub const PRODUCTS_MAX: usize = 1_000;
/// The most addresses, origins and the like.
pub const LIST_MAX: usize = 32;
/// The most days until an invoice is to be paid.
pub const PAYMENT_DAYS_MAX: u64 = 365;
/// The keys of one kind that are live at once.
pub const KEYS_LIVE_MAX: usize = 2;
/// Characters of a password that is made here.
pub const PASSWORD_LENGTH: usize = 24;
/// Characters of a signature key that is made here.
pub const KEY_LENGTH: usize = 32;
/// The most open bills that the state is summed up over.
pub const OPEN_BILLS_MAX: usize = 100_000;
/// The most unfinished tasks that are counted.
pub const TASKS_MAX: usize = 10_000;
