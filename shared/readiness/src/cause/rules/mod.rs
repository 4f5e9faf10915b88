//! The table of rules: what makes all after it pointless comes first.

mod answer;
mod boot;
mod container;
mod instance;
mod listen;
mod reach;
pub(super) mod unknown;

use super::Rule;

macro_rules! table {
    ($($name:literal => $fits:path,)*) => { &[$(Rule { name: $name, fits: $fits },)*] };
}

/// In order: the first that fits is the answer.
pub(super) const TABLE: &[Rule] = table! {
    // The instance is gone, or its machine is broken.
    "volume-key" => instance::volume_key,
    "spot-interrupted" => instance::spot_interrupted,
    "shut-down-by-api" => instance::shut_down_by_api,
    "shut-down-from-within" => instance::shut_down_from_within,
    "instance-gone" => instance::gone,
    "system-impaired" => instance::system_impaired,
    "out-of-memory" => boot::out_of_memory,
    "disk-full" => boot::disk_full,
    "instance-impaired" => instance::impaired,
    // The load balancer cannot judge.
    "load-balancer-not-active" => reach::load_balancer_not_active,
    "load-balancer-error" => reach::load_balancer_error,
    "target-not-in-use" => reach::target_not_in_use,
    // The boot failed.
    "download-unreachable" => boot::download_unreachable,
    "package-not-found" => boot::package_not_found,
    "image-not-found" => container::image_not_found,
    "image-denied" => container::image_denied,
    "registry-limit" => container::registry_limit,
    "image-architecture" => container::image_architecture,
    "setting-unreadable" => container::setting_unreadable,
    "service-failed" => boot::service_failed,
    "container-exits" => container::exits,
    "script-failed" => boot::script_failed,
    // Nobody gets through, or nobody is there.
    "path-closed" => reach::path_closed,
    "still-booting" => boot::still_booting,
    "listens-on-loopback" => listen::on_loopback,
    "listens-elsewhere" => listen::elsewhere,
    "nothing-listens" => listen::nothing,
    "https-check-of-http" => listen::https_check_of_http,
    "container-port" => listen::container_port,
    // The application answers, and not as it is asked to.
    "answers-redirect" => answer::redirect,
    "answers-not-found" => answer::not_found,
    "answers-unauthorized" => answer::unauthorized,
    "answers-bad-request" => answer::bad_request,
    "answers-server-error" => answer::server_error,
    "answers-unexpected" => answer::unexpected,
    "check-timeout" => reach::check_timeout,
    "checks-not-done" => reach::checks_not_done,
};
