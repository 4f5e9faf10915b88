//! Images of Amazon's container registry, which instances must log in to.

/// The registry and repository of an image of ECR.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Registry<'a> {
    /// `123456789012.dkr.ecr.us-east-1.amazonaws.com`.
    pub(crate) host: &'a str,
    account: &'a str,
    /// Its Region, which need not be the stack's.
    pub(crate) region: &'a str,
    repository: &'a str,
}

impl<'a> Registry<'a> {
    /// Reads an image reference; `None` if its registry is another one.
    pub(crate) fn of(image: &'a str) -> Option<Self> {
        let (host, rest) = image.split_once('/')?;
        let mut labels = host.split('.');
        let (account, dkr, ecr, region) = (labels.next()?, labels.next()?, labels.next()?, labels.next()?);
        let domain = labels.collect::<Vec<_>>().join(".");
        let ours = account.len() == 12
            && account.bytes().all(|b| b.is_ascii_digit())
            && (dkr, ecr) == ("dkr", "ecr")
            && matches!(domain.as_str(), "amazonaws.com" | "amazonaws.com.cn");
        let repository = rest.split(['@', ':']).next()?;
        ours.then_some(Self {
            host,
            account,
            region,
            repository,
        })
    }

    /// ARN of the repository.
    pub(crate) fn repository_arn(&self, partition: &str) -> String {
        format!(
            "arn:{partition}:ecr:{}:{}:repository/{}",
            self.region, self.account, self.repository
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_image_of_ecr_names_its_registry_and_its_repository() {
        let image = "123456789012.dkr.ecr.eu-west-1.amazonaws.com/team/shop:1.4";
        let registry = Registry::of(image).unwrap();
        assert_eq!(registry.host, "123456789012.dkr.ecr.eu-west-1.amazonaws.com");
        assert_eq!(
            registry.repository_arn("aws"),
            "arn:aws:ecr:eu-west-1:123456789012:repository/team/shop"
        );
    }

    #[test]
    fn other_registries_need_no_login() {
        for image in [
            "nginx",
            "library/nginx:1",
            "ghcr.io/team/shop:1",
            "public.ecr.aws/nginx/nginx:1",
            "1234.dkr.ecr.eu-west-1.amazonaws.com/shop",
            "123456789012.dkr.ecr.eu-west-1.example.com/shop",
        ] {
            assert_eq!(Registry::of(image), None, "{image}");
        }
    }
}
