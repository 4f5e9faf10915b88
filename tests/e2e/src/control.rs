//! The emulator's control channel: what was called, and faults for calls to come.

use std::io::{Read, Write};
use std::net::TcpStream;

use serde_json::{Value, json};

/// The control channel of the infrastructure emulator. Plain HTTP to loopback, one request per connection.
pub struct Control {
    address: String,
}

impl Control {
    pub(crate) fn new(url: &str) -> Self {
        Self {
            address: url.trim_start_matches("http://").trim_end_matches('/').to_owned(),
        }
    }

    /// Calls by action since the last reset.
    #[must_use]
    pub fn calls(&self) -> Value {
        self.request("GET", "calls", &json!({}))
    }

    /// Starts counting anew.
    pub fn reset_calls(&self) {
        self.request("POST", "calls/reset", &json!({}));
    }

    /// Makes the next `times` calls of an operation fail, without effect.
    pub fn fail(&self, operation: &str, code: &str, status: u16, times: u32) {
        let fault = json!({"action": operation, "code": code, "status": status, "times": times});
        self.request("POST", "faults", &fault);
    }

    /// Faults that no call has met yet.
    #[must_use]
    pub fn faults(&self) -> Value {
        self.request("GET", "faults", &json!({}))
    }

    /// Takes back all faults.
    pub fn clear_faults(&self) {
        self.request("POST", "faults/reset", &json!({}));
    }

    fn request(&self, method: &str, path: &str, body: &Value) -> Value {
        #[expect(clippy::expect_used, reason = "a test without its cloud must fail")]
        self.exchange(method, path, body)
            .expect("the control channel answers")
    }

    fn exchange(&self, method: &str, path: &str, body: &Value) -> std::io::Result<Value> {
        let body = body.to_string();
        let mut stream = TcpStream::connect(&self.address)?;
        write!(
            stream,
            "{method} /moto-api/windlass/{path} HTTP/1.0\r\nHost: {}\r\nContent-Length: {}\r\n\r\n{body}",
            self.address,
            body.len()
        )?;
        let mut answer = String::new();
        stream.read_to_string(&mut answer)?;
        let (head, body) = answer.split_once("\r\n\r\n").unwrap_or((&answer, ""));
        if head.split(' ').nth(1) != Some("200") {
            return Err(std::io::Error::other(format!("{head}\n{body}")));
        }
        Ok(serde_json::from_str(body)?)
    }
}
