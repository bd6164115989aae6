//! A biller merchant as a stranger would write it: a form, Basic authentication and the hash of a text, sent to a
//! gateway. It shares no code with the gateway but the hash function.

use std::sync::atomic::{AtomicU64, Ordering};

use protocol::digest;
use serde_json::Value;

/// Counts the requests of this test process, so that no `rq_uuid` comes twice by accident.
static REQUESTS: AtomicU64 = AtomicU64::new(0);

/// The five services.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Service {
    Products,
    Inquiry,
    Payment,
    Status,
    Balance,
}

impl Service {
    pub const ALL: [Self; 5] = [Self::Products, Self::Inquiry, Self::Payment, Self::Status, Self::Balance];

    pub fn path(self) -> &'static str {
        match self {
            Self::Products => "/rest/billertools/getregisteredproducts",
            Self::Inquiry => "/rest/biller/inquirytransaction",
            Self::Payment => "/rest/biller/paymentreport",
            Self::Status => "/rest/billertools/gettransactioninfo",
            Self::Balance => "/rest/billertools/getbalance",
        }
    }

    /// The fields that are signed, in their order, between the sender's id and the key.
    fn signed(self) -> &'static [&'static str] {
        match self {
            Self::Products | Self::Balance => &["rq_uuid"],
            Self::Inquiry => &["order_id", "product_code", "rq_uuid"],
            Self::Payment => &["order_id", "product_code", "amount", "rq_uuid"],
            Self::Status => &["ref_id", "rq_uuid"],
        }
    }
}

/// A form as it is sent.
pub type Form = Vec<(String, String)>;

/// Puts another text into a field of a form.
pub fn set(form: &mut Form, name: &str, value: &str) {
    form.retain(|(known, _)| known != name);
    form.push((name.to_owned(), value.to_owned()));
}

/// What came back.
#[derive(Clone, Debug)]
pub struct Reply {
    pub status: u16,
    pub body: Value,
}

impl Reply {
    /// `error_code`, or the HTTP status where there is none.
    pub fn code(&self) -> String {
        self.body["error_code"].as_str().map_or_else(|| format!("HTTP {}", self.status), str::to_owned)
    }

    /// A member as text, numbers included; empty where it is missing.
    pub fn text(&self, name: &str) -> String {
        match &self.body[name] {
            Value::String(text) => text.clone(),
            Value::Null => String::new(),
            other => other.to_string(),
        }
    }

    /// A member that is an amount in hundredths.
    pub fn sen(&self, name: &str) -> i64 {
        self.text(name).parse().unwrap_or_else(|_| panic!("{name} of {} is no amount", self.body))
    }

    /// Whether it is `0000` and final.
    pub fn succeeded(&self) -> bool {
        self.code() == "0000" && !self.in_process()
    }

    /// Whether it is `0000 Inproses`.
    pub fn in_process(&self) -> bool {
        self.code() == "0000" && self.text("error_desc") == "Inproses"
    }
}

/// A biller merchant.
#[derive(Clone, Debug)]
pub struct Sender {
    pub base_url: String,
    pub sender_id: String,
    pub username: String,
    pub basic_password: String,
    pub password: String,
    pub key: String,
    pub http: reqwest::Client,
}

impl Sender {
    /// A merchant whose credentials stand in these members.
    pub fn new(base_url: &str, member: &Value) -> Self {
        let text = |name: &str| member[name].as_str().unwrap_or_else(|| panic!("{name} in {member}")).to_owned();
        let http = engine::transport::http_client(150_000);
        Self {
            base_url: base_url.to_owned(),
            sender_id: text("sender_id"),
            username: text("username"),
            basic_password: text("basic_password"),
            password: text("password"),
            key: text("key"),
            http,
        }
    }

    /// An id that no request had before.
    pub fn uuid(&self) -> String {
        let count = REQUESTS.fetch_add(1, Ordering::Relaxed);
        format!("{}{}-{count}", self.sender_id, std::process::id())
    }

    /// The signature of a form.
    pub fn signature(&self, service: Service, form: &Form) -> String {
        let field = |name: &str| form.iter().find(|(known, _)| known == name).map_or("", |(_, value)| value.as_str());
        let parts = service.signed().iter().map(|name| field(name));
        let text: String = [field("sender_id")]
            .into_iter()
            .chain(parts)
            .chain([self.key.as_str()])
            .map(|part| format!("##{part}"))
            .collect();
        digest::sha256_hex(format!("{text}##").to_uppercase().as_bytes())
    }

    /// A whole form, signed.
    pub fn form(&self, service: Service, fields: &[(&str, &str)]) -> Form {
        let own = [
            ("rq_uuid", self.uuid()),
            ("rq_datetime", "2026-11-21 12:00:00".to_owned()),
            ("sender_id", self.sender_id.clone()),
            ("password", self.password.clone()),
        ];
        let mut form: Form = own.into_iter().map(|(name, value)| (name.to_owned(), value)).collect();
        for (name, value) in fields {
            set(&mut form, name, value);
        }
        let signature = self.signature(service, &form);
        set(&mut form, "signature", &signature);
        form
    }

    /// Sends a form as it is.
    ///
    /// # Errors
    /// No whole answer came.
    pub async fn try_post(&self, service: Service, form: &Form) -> Result<Reply, reqwest::Error> {
        let body = form_urlencoded::Serializer::new(String::new()).extend_pairs(form).finish();
        let sent = self
            .http
            .post(format!("{}{}", self.base_url, service.path()))
            .basic_auth(&self.username, Some(&self.basic_password))
            .header("content-type", "application/x-www-form-urlencoded")
            .body(body);
        let response = sent.send().await?;
        let status = response.status().as_u16();
        let body = serde_json::from_slice(&response.bytes().await?).unwrap_or(Value::Null);
        Ok(Reply { status, body })
    }

    /// Sends a form as it is.
    pub async fn post(&self, service: Service, form: &Form) -> Reply {
        self.try_post(service, form).await.expect("an answer")
    }

    /// Signs and sends.
    pub async fn call(&self, service: Service, fields: &[(&str, &str)]) -> Reply {
        self.post(service, &self.form(service, fields)).await
    }

    /// Bill Inquiry.
    pub async fn inquire(&self, product: &str, order: &str, additional: Option<&str>) -> Reply {
        let mut fields = vec![("product_code", product), ("order_id", order)];
        fields.extend(additional.map(|text| ("additional_data", text)));
        self.call(Service::Inquiry, &fields).await
    }

    /// Bill Payment with what an inquiry answered.
    pub async fn pay_inquired(&self, product: &str, inquired: &Reply, additional: Option<&str>) -> Reply {
        let (order, amount, data) =
            (inquired.text("order_id"), inquired.text("amount"), inquired.body["data"].to_string());
        let mut fields = vec![("product_code", product), ("order_id", &order), ("amount", &amount), ("data", &data)];
        fields.extend(additional.map(|text| ("additional_data", text)));
        self.call(Service::Payment, &fields).await
    }

    /// Bill Payment without an inquiry.
    pub async fn pay(&self, product: &str, order: &str, amount: &str) -> Reply {
        self.call(Service::Payment, &[("product_code", product), ("order_id", order), ("amount", amount)]).await
    }

    /// Inquiry, then payment.
    pub async fn buy(&self, product: &str, order: &str) -> Reply {
        let inquired = self.inquire(product, order, None).await;
        if inquired.code() != "0000" {
            return inquired;
        }
        self.pay_inquired(product, &inquired, None).await
    }

    /// Bill Payment Status Inquiry.
    pub async fn status(&self, ref_id: &str) -> Reply {
        self.call(Service::Status, &[("ref_id", ref_id)]).await
    }

    /// Asks for the status until it is neither in process nor suspect.
    pub async fn settled(&self, ref_id: &str) -> Reply {
        super::eventually("the bill is settled", async || {
            let reply = self.status(ref_id).await;
            let open = reply.in_process() || reply.code() == "9999";
            (!open).then_some(reply)
        })
        .await
    }
}
