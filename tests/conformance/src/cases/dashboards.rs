//! Dashboards.

use windlass_calls::Class;
use windlass_calls::cloudwatch::{DeleteDashboards, GetDashboard, PutDashboard};
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

pub(super) async fn a_deleted_dashboard_is_gone<P: Port>(place: &Place<P>) -> Check {
    place.call(put(place, "dashboard-gone", BODY)).await?;
    place.call(delete(place, &["dashboard-gone"])).await?;
    let name = place.name("dashboard-gone");
    place
        .refuses(GetDashboard { name }, Class::Gone, "ResourceNotFound")
        .await
}

pub(super) async fn a_dashboard_deleted_twice_answers_that_it_is_gone<P: Port>(place: &Place<P>) -> Check {
    place.call(put(place, "dashboard-gone-2", BODY)).await?;
    let call = delete(place, &["dashboard-gone-2"]);
    place.call(call.clone()).await?;
    place.refuses(call, Class::Gone, "ResourceNotFound").await
}

/// All or none.
pub(super) async fn a_missing_dashboard_keeps_the_others_from_being_deleted<P: Port>(
    place: &Place<P>,
) -> Check {
    place.call(put(place, "dashboard-stays", BODY)).await?;
    let call = delete(place, &["dashboard-stays", "dashboard-never"]);
    place.refuses(call, Class::Gone, "ResourceNotFound").await?;
    let name = place.name("dashboard-stays");
    same("body", place.call(GetDashboard { name }).await?.as_str(), BODY)
}

fn delete<P: Port>(place: &Place<P>, cases: &[&str]) -> DeleteDashboards {
    DeleteDashboards {
        names: cases.iter().map(|case| place.name(case)).collect(),
    }
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
