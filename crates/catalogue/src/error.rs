//! Why a file of products is refused. The text names the file, the product and the field, so that its author finds the
//! line.

/// Why a file of products is refused.
#[derive(Debug, thiserror::Error)]
pub enum CatalogueError {
    /// The text is not TOML; the source says where.
    #[error("{file}: this is not TOML")]
    Syntax {
        /// The file.
        file: String,
        /// What the parser says, with line and column.
        source: Box<toml::de::Error>,
    },
    /// The file is longer, or holds more, than a limit allows.
    #[error("{file}: there are more than {limit} {what}")]
    TooMany {
        /// The file.
        file: String,
        /// Of what.
        what: &'static str,
        /// The limit.
        limit: usize,
    },
    /// A part of the file that is no part of the format.
    #[error("{file}: `{section}` is none of defaults, template, product, maintenance, or has the wrong form")]
    Section {
        /// The file.
        file: String,
        /// The part.
        section: String,
    },
    /// A field of a product, of the defaults or of a template.
    #[error("{file}: {entry}: {field}: {problem}")]
    Field {
        /// The file.
        file: String,
        /// Which entry: `product SLYLPR20`, `defaults`, `maintenance 1`, ...
        entry: String,
        /// Which field.
        field: String,
        /// What is wrong with it.
        problem: String,
    },
    /// Two entries with one code.
    #[error("{file}: product {code}: this code is there twice")]
    Duplicate {
        /// The file.
        file: String,
        /// The code.
        code: String,
    },
}
