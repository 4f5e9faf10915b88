//! Dashboards.

use windlass_calls::Class;
use windlass_calls::cloudwatch::{GetDashboard, PutDashboard};
use windlass_engine::Port;

use crate::check::{Check, same};
use crate::place::Place;

const BODY: &str =
    r##"{"widgets":[{"type":"text","x":0,"y":0,"width":6,"height":3,"properties":{"markdown":"# Web"}}]}"##;

pub(super) async fn a_dashboard_reads_back_as_it_was_written<P: Port>(place: &Place<P>) -> Check {
    reads_back(place, "dashboard", BODY).await
}

pub(super) async fn a_dashboard_written_over_is_as_it_was_written_last<P: Port>(place: &Place<P>) -> Check {
    reads_back(place, "dashboard-over", BODY).await?;
    reads_back(place, "dashboard-over", BODY).await?;
    reads_back(place, "dashboard-over", &BODY.replace("Web", "Shop")).await
}

pub(super) async fn a_dashboard_that_is_not_json_is_refused<P: Port>(place: &Place<P>) -> Check {
    refused(place, "dashboard-no-json", "{").await
}

pub(super) async fn a_dashboard_without_widgets_is_refused<P: Port>(place: &Place<P>) -> Check {
    refused(place, "dashboard-no-widgets", "{}").await
}

async fn reads_back<P: Port>(place: &Place<P>, case: &str, body: &str) -> Check {
    place.call(put(place, case, body)).await?;
    let name = place.name(case);
    same("body", place.call(GetDashboard { name }).await?.as_str(), body)
}

async fn refused<P: Port>(place: &Place<P>, case: &str, body: &str) -> Check {
    let call = put(place, case, body);
    place
        .refuses(call, Class::Terminal, "InvalidParameterInput")
        .await
}

fn put<P: Port>(place: &Place<P>, case: &str, body: &str) -> PutDashboard {
    PutDashboard {
        name: place.name(case),
        body: body.into(),
    }
}
