//! Dashboards: a name, and a JSON body with widgets. They have no tags and no Region.

use serde_json::Value;
use windlass_calls::cloudwatch::{DeleteDashboards, GetDashboard, PutDashboard};

use crate::refusal::{Answer, Refusal, refused};
use crate::world::World;

impl World {
    pub(super) fn get_dashboard(&mut self, call: &GetDashboard) -> Answer<String> {
        let dashboard = self.cloudwatch.dashboards.seen(&call.name, self.clock);
        let body = dashboard.map(|(_, body)| body.clone());
        body.ok_or_else(|| {
            let message = format!("Dashboard {} does not exist", call.name);
            refused("ResourceNotFound", message).status(404)
        })
    }

    pub(super) fn put_dashboard(&mut self, call: &PutDashboard) -> Answer<()> {
        check_name(&call.name)?;
        check_body(&call.body)?;
        let visible_from = self.monitoring_visible_from(&call.name);
        let dashboard = (call.name.clone(), call.body.clone());
        self.cloudwatch
            .dashboards
            .put(&call.name, visible_from, dashboard);
        Ok(())
    }

    /// All of them or none.
    pub(super) fn delete_dashboards(&mut self, call: &DeleteDashboards) -> Answer<()> {
        let missing = |name: &&String| self.cloudwatch.dashboards.seen(name, self.clock).is_none();
        if let Some(name) = call.names.iter().find(missing) {
            let message = format!("Dashboard {name} does not exist");
            return Err(refused("ResourceNotFound", message).status(404));
        }
        for name in &call.names {
            self.cloudwatch.dashboards.remove(name);
        }
        Ok(())
    }
}

fn check_name(name: &str) -> Answer<()> {
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_');
    if (1..=255).contains(&name.len()) && name.chars().all(plain) {
        return Ok(());
    }
    Err(invalid(format!(
        "The value {name} for field DashboardName contains invalid characters. It can only contain alphanumerics, dash \
         (-) and underscore (_)."
    )))
}

fn check_body(body: &str) -> Answer<()> {
    let parsed = serde_json::from_str::<Value>(body);
    let why = match parsed {
        Err(_) => "The field DashboardBody must be a valid JSON object",
        Ok(body) if !body.get("widgets").is_some_and(Value::is_array) => {
            "The dashboard body is invalid, there are validation errors: [{\"message\": \"Should have required \
             property 'widgets'\"}]"
        }
        Ok(_) => return Ok(()),
    };
    Err(invalid(why.to_owned()))
}

fn invalid(message: String) -> Refusal {
    refused("InvalidParameterInput", message)
}
