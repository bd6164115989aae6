//! OVO's messages where they are not the standard's, which are in `snap::standard` and `snap::wire`.

use serde::{Deserialize, Serialize};

use crate::snap::wire::text;

/// `grantType` of a link's first token.
pub(super) const FIRST: &str = "AUTHORIZATION_CODE";
/// `grantType` of a renewed token.
pub(super) const RENEWED: &str = "REFRESH_TOKEN";

/// Answer of 07. The page's address is flat or inside `params`, as in the standard's table and sample.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct BindReply {
    #[serde(default, deserialize_with = "text", skip_serializing_if = "Option::is_none")]
    pub reference_no: Option<String>,
    #[serde(default, deserialize_with = "text", skip_serializing_if = "Option::is_none")]
    pub link_id: Option<String>,
    pub linkage_token: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub redirect_url: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pin_web_view_url: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub params: Option<BindParams>,
}

/// `params` of [`BindReply`].
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct BindParams {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pin_web_view_url: Option<String>,
}

/// Customer token (74).
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct CustomerTokenRequest {
    pub grant_type: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub refresh_token: Option<String>,
}

/// Answer of 74.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct CustomerTokenReply {
    pub access_token: String,
    /// A date and time.
    #[serde(default, deserialize_with = "text")]
    pub access_token_expiry_time: Option<String>,
    #[serde(default)]
    pub refresh_token: Option<String>,
}

/// Answer of the first call of 09. Which member carries the token is not public; the likely names are all read.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct UnbindReply {
    #[serde(alias = "token", alias = "linkageToken")]
    pub access_token: String,
}
