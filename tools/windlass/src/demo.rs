//! `windlass demo`: a spec becomes a running stack, AWS is held to it, and a spec with mistakes is rejected.

use std::io::Write;

use jiff::{SignedDuration, Timestamp};
use windlass_aws::Aws;
use windlass_calls::s3::Condition;
use windlass_engine::{Phase, Status};
use windlass_spec::{Spec, StackId, decode};

use crate::cloud::{self, Look};
use crate::specfile::{self, SpecFile};
use crate::watch::Watch;
use crate::{DemoArgs, End, Failure, display, inventory, promises, report, validate};

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
        let settled = watch.follow(&self.port, display.as_mut()).await?;
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

fn key(stack: &StackId) -> String {
    format!("specs/{stack}.yaml")
}
