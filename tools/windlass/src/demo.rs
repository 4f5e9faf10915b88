//! `windlass demo`: a spec becomes a running stack, and AWS is held to it; it grows under a load and shrinks after it; a version whose instances install nothing gets no
//! request and is explained, while a client gets its answers all the time; and a spec with mistakes is rejected.

mod load;

use std::io::Write;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use windlass_aws::Aws;
use windlass_calls::s3::Condition;
use windlass_engine::{Phase, Status};
use windlass_spec::{Spec, StackId, decode};

use crate::cloud::{self, Look};
use crate::specfile::{self, SpecFile};
use crate::traffic::Traffic;
use crate::watch::Watch;
use crate::{DemoArgs, End, Failure, display, inventory, promises, report, validate};

/// How long the spec's instances have to get healthy, and those that never will, so that nobody waits for long.
const PATIENCE: [&str; 2] = ["timeout: 5m ", "timeout: 10m "];
const LITTLE_PATIENCE: &str = "timeout: 30s ";
/// Time between two requests of a client that only wants its answers.
const INTERVAL: Duration = Duration::from_millis(50);
/// Name of the stack that the invalid spec is uploaded for.
const BROKEN: &str = "broken";

struct Demo<'a> {
    out: &'a mut dyn Write,
    live: bool,
    args: &'a DemoArgs,
    port: Aws,
}

/// Runs the command.
pub(crate) async fn run(out: &mut dyn Write, live: bool, args: &DemoArgs) -> Result<End, Failure> {
    let mut demo = Demo {
        out,
        live,
        args,
        port: Aws::from_environment().await,
    };
    let good = demo.stack().await?;
    if good != End::Well {
        return Ok(good);
    }
    let scaled = demo.load().await?;
    if scaled != End::Well {
        return Ok(scaled);
    }
    let explained = demo.misspelt().await?;
    if explained != End::Well {
        return Ok(explained);
    }
    let rejected = demo.rejection().await?;
    if rejected == End::Well {
        demo.next_steps()?;
    }
    Ok(rejected)
}

impl Demo<'_> {
    /// Uploads the spec, follows it to Ready, and checks AWS against it.
    async fn stack(&mut self) -> Result<End, Failure> {
        let file = specfile::read(&self.args.spec, Some(&self.args.stack))?;
        let Some(spec) = validate::spec(&mut self.out, self.live, &file)? else {
            return Ok(End::Wrong);
        };
        let key = key(&file.stack);
        let before = cloud::look(&self.port, &self.args.state_bucket, &key).await?;
        if matches!(before, Look::Found(status) if status.phase == Phase::Ready) {
            writeln!(
                self.out,
                "{} is there already: the same spec again changes nothing.",
                file.stack
            )?;
        }
        let began = cloud::now();
        let Some(status) = self.upload_and_follow(&file, &key).await? else {
            return Ok(End::NoAnswer);
        };
        if status.phase != Phase::Ready {
            write!(self.out, "{}", report::problems(&status))?;
            return Ok(End::Wrong);
        }
        let took = cloud::now().duration_since(began).as_secs_f64();
        writeln!(
            self.out,
            "{} is Ready, {took:.1} s after the upload.\n\n{}",
            file.stack,
            report::outputs(&status)
        )?;
        self.check(&file.stack, &spec, &status).await
    }

    /// Uploads a spec and follows the answer to this very version. `None` if there is none in time.
    async fn upload_and_follow(&mut self, file: &SpecFile, key: &str) -> Result<Option<Status>, Failure> {
        self.upload_and_follow_to(file, key, &|_| false).await
    }

    /// The same, or until it says enough.
    async fn upload_and_follow_to(
        &mut self,
        file: &SpecFile,
        key: &str,
        enough: &dyn Fn(&Status) -> bool,
    ) -> Result<Option<Status>, Failure> {
        let (spec_bucket, path) = (&self.args.spec_bucket, file.path.display());
        writeln!(self.out, "Uploading {path} to s3://{spec_bucket}/{key}")?;
        let version = cloud::upload(&self.port, spec_bucket, key, &file.text, Condition::Always).await?;
        let timeout: SignedDuration = self.args.timeout;
        let watch = Watch {
            bucket: &self.args.state_bucket,
            spec_key: key,
            version: Some(&version),
            until: cloud::now().checked_add(timeout).unwrap_or(Timestamp::MAX),
        };
        let mut display = display::of(&mut *self.out, self.live);
        let settled = watch.follow_to(&self.port, display.as_mut(), enough).await?;
        drop(display);
        if settled.is_none() {
            writeln!(
                self.out,
                "No final answer to {key} after {timeout:#}: look into .local/logs and the dead-letter queue."
            )?;
        }
        Ok(settled)
    }

    /// Shows what AWS has and each difference from what the spec promises.
    async fn check(&mut self, stack: &StackId, spec: &Spec, status: &Status) -> Result<End, Failure> {
        let there = inventory::read(&self.port, stack, &status.outputs).await?;
        writeln!(self.out, "{}", there.render(stack))?;
        let differences = promises::differences(spec, &there, &status.outputs);
        if differences.is_empty() {
            writeln!(self.out, "AWS has what the spec promises.\n")?;
            return Ok(End::Well);
        }
        writeln!(self.out, "AWS differs from what the spec promises:")?;
        for difference in differences {
            writeln!(self.out, "  {difference}")?;
        }
        Ok(End::Wrong)
    }

    /// Uploads a version whose package does not exist, while a client sends requests: the new instances are given up with the
    /// cause, the earlier ones answer every request, and the earlier version brings everything back.
    async fn misspelt(&mut self) -> Result<End, Failure> {
        let file = specfile::read(&self.args.spec, Some(&self.args.stack))?;
        let key = key(&file.stack);
        let Some(misspelt) = misspell(&file.text, &self.args.package) else {
            writeln!(
                self.out,
                "{} installs no `{}` that could be misspelt: what becomes of that is left out. --package names another one.\n",
                file.path.display(),
                self.args.package
            )?;
            return Ok(End::Well);
        };
        let Look::Found(ready) = cloud::look(&self.port, &self.args.state_bucket, &key).await? else {
            return Err(format!("{key} has no status any more").into());
        };
        let spec = decode(&file.stack, &file.text).map_err(|errors| errors.to_string())?;
        let port = spec
            .load_balancer
            .listeners
            .first()
            .map_or(80, |listener| listener.port);
        let resolver = self.args.load_balancers_url.as_deref();
        let traffic = Traffic::begin(&ready.outputs.alb_dns_name, port, resolver, INTERVAL).await?;
        writeln!(
            self.out,
            "Now with a misspelt package, and a client that sends requests all the time:"
        )?;
        let bad = SpecFile {
            text: misspelt,
            ..file.clone()
        };
        let told = |status: &Status| !status.unhealthy_instances.is_empty();
        let Some(status) = self.upload_and_follow_to(&bad, &key, &told).await? else {
            return Ok(End::NoAnswer);
        };
        for one in &status.unhealthy_instances {
            writeln!(self.out, "  {}  {}\n    {}", one.instance, one.cause, one.remedy)?;
        }
        writeln!(self.out, "\nThe package as it was:")?;
        let Some(status) = self.upload_and_follow(&file, &key).await? else {
            return Ok(End::NoAnswer);
        };
        if status.phase != Phase::Ready {
            write!(self.out, "{}", report::problems(&status))?;
            return Ok(End::Wrong);
        }
        let (answered, failed, why) = traffic.end();
        writeln!(
            self.out,
            "{answered} requests answered meanwhile, {failed} failed.\n"
        )?;
        if let Some(why) = why {
            writeln!(self.out, "The first that failed: {why}")?;
        }
        Ok(if failed == 0 && answered > 0 {
            End::Well
        } else {
            End::Wrong
        })
    }

    /// Uploads a spec with mistakes: it must be rejected with the errors that `windlass validate` shows.
    async fn rejection(&mut self) -> Result<End, Failure> {
        let stack = StackId {
            environment: self.args.stack.environment.clone(),
            name: BROKEN.to_owned(),
        };
        let file = specfile::read(&self.args.invalid, Some(&stack))?;
        let Err(expected) = decode(&stack, &file.text) else {
            return Err(format!("{} is valid, so it cannot show a rejection", file.path.display()).into());
        };
        writeln!(self.out, "And a spec with mistakes:")?;
        let Some(status) = self.upload_and_follow(&file, &key(&stack)).await? else {
            return Ok(End::NoAnswer);
        };
        if !self.live {
            writeln!(self.out)?;
        }
        write!(self.out, "{}", report::problems(&status))?;
        let said: Vec<_> = status
            .errors
            .iter()
            .map(|error| (error.line, error.column, &error.message, &error.hint))
            .collect();
        let promised: Vec<_> = expected
            .0
            .iter()
            .map(|error| (error.line, error.column, &error.message, &error.hint))
            .collect();
        if status.phase == Phase::Rejected && said == promised {
            return Ok(End::Well);
        }
        writeln!(
            self.out,
            "This should have been Rejected with the errors that `windlass validate {}` shows.",
            file.path.display()
        )?;
        Ok(End::Wrong)
    }

    fn next_steps(&mut self) -> Result<(), Failure> {
        let (stack, path) = (&self.args.stack, self.args.spec.display());
        writeln!(
            self.out,
            "\nThe running stack was not touched. What to try next:
  set -a; . .local/env; set +a
  target/debug/windlass plan {path}
  target/debug/windlass watch {stack}
  edit {path}, then `make demo` again uploads it
  make down"
        )?;
        Ok(())
    }
}

/// The spec with a package that nobody has, and little patience with it.
fn misspell(text: &[u8], package: &str) -> Option<Vec<u8>> {
    let text = std::str::from_utf8(text).ok()?;
    let mut letters: Vec<char> = package.chars().collect();
    let middle = letters.len() / 2;
    let last = letters.len().checked_sub(1)?;
    letters.swap(middle, (middle + 1).min(last));
    let wrong: String = letters.into_iter().collect();
    let misspelt = text.replacen(&format!("[{package}]"), &format!("[{wrong}]"), 1);
    let hasty = PATIENCE.iter().fold(misspelt.clone(), |text, patience| {
        text.replacen(patience, LITTLE_PATIENCE, 1)
    });
    (misspelt != text).then(|| hasty.into_bytes())
}

fn key(stack: &StackId) -> String {
    format!("specs/{stack}.yaml")
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case::gate(include_str!("../../../events/specs/gate.yaml"))]
    #[case::web(include_str!("../../../events/specs/web.yaml"))]
    fn a_misspelt_package_is_given_up_soon(#[case] spec: &str) {
        let misspelt = String::from_utf8(misspell(spec.as_bytes(), "nginx").unwrap()).unwrap();
        assert!(
            misspelt.contains("[ngnix]") && misspelt.contains("timeout: 30s "),
            "{misspelt}"
        );
        let key = StackId {
            environment: "dev".into(),
            name: "web".into(),
        };
        let spec = decode(&key, misspelt.as_bytes()).unwrap();
        assert_eq!(spec.lifecycle.launch.timeout, 30);
    }

    #[test]
    fn a_spec_without_the_package_is_left_as_it_is() {
        let container = include_str!("../../../events/specs/container.yaml");
        assert_eq!(misspell(container.as_bytes(), "nginx"), None);
    }
}
