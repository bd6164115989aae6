//! How much there may be of everything. A file that goes beyond is refused with the limit's name in words.

/// Bytes of one file of products.
pub const FILE_BYTES_MAX: usize = 1024 * 1024;
/// Products in one catalogue.
pub const PRODUCTS_MAX: usize = 10_000;
/// Entries of the maintenance calendar.
pub const MAINTENANCE_MAX: usize = 1_000;
/// Characters of a product's code: `product_code` is String (16).
pub const CODE_LENGTH_MAX: usize = 16;
/// Characters of a name for people: of a product, an operator, a kind of number.
pub const NAME_LENGTH_MAX: usize = 64;
/// Characters of a customer's number.
pub const ORDER_LENGTH_MAX: usize = 32;
/// Beginnings that a customer's number may have.
pub const PREFIXES_MAX: usize = 32;
/// Sources of one product.
pub const SOURCES_MAX: usize = 8;
/// Characters of a connector's name or of its code for the product.
pub const SKU_LENGTH_MAX: usize = 64;
/// Fields of `data`, and lines of a receipt.
pub const FIELDS_MAX: usize = 32;
/// Fields of `additional_data`.
pub const ADDITIONAL_MAX: usize = 8;
/// Characters of a value in `additional_data`, which is String (999) as a whole.
pub const ADDITIONAL_LENGTH_MAX: usize = 900;
/// Rupiah of any amount in a file: nine digits, so that `amount`, String (17) in sen, always holds a sum of them.
pub const RUPIAH_MAX: u32 = 999_999_999;
