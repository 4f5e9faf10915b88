//! The emulator's control channel: what was called, and faults for calls to come.

use serde_json::{Value, json};

use crate::http::{address, exchange};

/// The control channel of the infrastructure emulator.
pub struct Control {
    address: String,
}

impl Control {
    pub(crate) fn new(url: &str) -> Self {
        Self {
            address: address(url),
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

    /// Ends an instance; EC2 tells EventBridge.
    pub fn kill_instance(&self, instance: &str) {
        self.request("POST", "kill-instance", &json!({"instance": instance}));
    }

    /// Sets a quota of the account: `vcpus`, `elastic-ips`, …; `None` switches it off.
    pub fn quota(&self, name: &str, value: Option<u64>) {
        self.request("POST", "quotas", &json!({ name: value }));
    }

    /// Takes back all faults.
    pub fn clear_faults(&self) {
        self.request("POST", "faults/reset", &json!({}));
    }

    fn request(&self, method: &str, path: &str, body: &Value) -> Value {
        let path = format!("/moto-api/windlass/{path}");
        #[expect(clippy::expect_used, reason = "a test without its cloud must fail")]
        exchange(&self.address, method, &path, "", body).expect("the control channel answers")
    }
}
