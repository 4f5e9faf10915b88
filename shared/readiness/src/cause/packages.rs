//! "Did you mean": the known package nearest to one that was not found.
//!
//! Guarantees: bounded work on hostile words; never proposes the word itself, nor something unlike it.

/// Longer words are not mistyped names but noise.
const LONGEST: usize = 64;

/// Packages that servers are made of, as Amazon Linux 2023 and Ubuntu name them.
const KNOWN: &[&str] = &[
    "amazon-cloudwatch-agent",
    "apache2",
    "bind",
    "caddy",
    "certbot",
    "collectd",
    "containerd",
    "cronie",
    "curl",
    "docker",
    "docker.io",
    "dotnet-runtime-8.0",
    "ffmpeg",
    "gcc",
    "git",
    "golang",
    "gunicorn",
    "haproxy",
    "httpd",
    "java-17-amazon-corretto",
    "java-21-amazon-corretto",
    "jq",
    "make",
    "mariadb-server",
    "mariadb105-server",
    "memcached",
    "mysql-server",
    "nginx",
    "nodejs",
    "nodejs20",
    "nodejs22",
    "npm",
    "openjdk-21-jre-headless",
    "openssl",
    "php",
    "php-fpm",
    "php8.3-fpm",
    "postgresql",
    "postgresql15",
    "postgresql16",
    "postgresql16-server",
    "prometheus-node-exporter",
    "python3",
    "python3-pip",
    "python3.12",
    "rabbitmq-server",
    "redis",
    "redis-server",
    "redis6",
    "rsyslog",
    "ruby",
    "rust",
    "squid",
    "supervisor",
    "tomcat10",
    "tomcat9",
    "unzip",
    "uwsgi",
    "valkey",
    "varnish",
    "vim",
    "wget",
];

/// What a package of one manager is called with the other: manager, asked, its name there.
const OTHER_NAMES: &[(&str, &str, &str)] = &[
    ("dnf", "apache2", "httpd"),
    ("dnf", "docker.io", "docker"),
    ("dnf", "mariadb-server", "mariadb105-server"),
    ("dnf", "openjdk-21-jre-headless", "java-21-amazon-corretto"),
    ("dnf", "postgresql", "postgresql16"),
    ("dnf", "redis", "redis6"),
    ("dnf", "redis-server", "redis6"),
    ("apt", "docker", "docker.io"),
    ("apt", "httpd", "apache2"),
    ("apt", "java-21-amazon-corretto", "openjdk-21-jre-headless"),
    ("apt", "php-fpm", "php8.3-fpm"),
    ("apt", "redis6", "redis-server"),
];

/// The package that was probably meant.
pub(super) fn meant(manager: &str, word: &str) -> Option<&'static str> {
    let other = OTHER_NAMES
        .iter()
        .find(|(of, asked, _)| *of == manager && *asked == word)
        .map(|(_, _, name)| *name);
    other.or_else(|| closest(word))
}

/// A third of its letters away at most. A package that exists somewhere is not mistyped.
fn closest(word: &str) -> Option<&'static str> {
    if word.len() > LONGEST || KNOWN.contains(&word) {
        return None;
    }
    KNOWN
        .iter()
        .map(|known| (strsim::osa_distance(word, known), *known))
        .filter(|(distance, known)| *distance <= (known.len() / 3).max(1))
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, known)| known)
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case("dnf", "ngnix", Some("nginx"))]
    #[case("apt", "ngix", Some("nginx"))]
    #[case("dnf", "apache2", Some("httpd"))]
    #[case("apt", "httpd", Some("apache2"))]
    #[case("apt", "nginx", None)]
    #[case("dnf", "our-own-tool", None)]
    #[case("dnf", "", None)]
    fn the_package_that_was_meant_is_proposed(
        #[case] manager: &str,
        #[case] word: &str,
        #[case] expected: Option<&str>,
    ) {
        assert_eq!(meant(manager, word), expected);
    }

    #[test]
    fn a_very_long_word_is_not_compared() {
        assert_eq!(meant("dnf", &"n".repeat(60_000)), None);
    }
}
