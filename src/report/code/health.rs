//! Codes for health, readiness, time and memory.

use super::codes;

codes! {
    /// A start may take less time than the health check needs to say whether it succeeded.
    ///
    /// The check needs its start period, and then up to `retries` times its interval and time-out.
    /// A shorter limit ends starts that would have succeeded.
    START_TOO_SHORT = "SW401", Error, "start time-out shorter than the health check";

    /// A ready criterion may take longer than the whole start.
    READY_TOO_LONG = "SW402", Warning, "ready time-out longer than the start";

    /// A ready criterion, or a test, lacks what its type needs, or has what another type needs.
    CRITERION_PARTS = "SW403", Error, "parts do not fit the type";

    /// A ready criterion of type `health_check` on a service without a health check.
    NO_HEALTH_CHECK = "SW404", Error, "no health check to look at";

    /// A test names a service that is not in the stack.
    TEST_UNKNOWN_SERVICE = "SW405", Error, "test names no service";

    /// A health check without a command, where no pattern gives one.
    HEALTH_WITHOUT_COMMAND = "SW406", Error, "health check without a command";

    /// One check may take longer than the pause between two of them.
    CHECKS_OVERLAP = "SW407", Hint, "check longer than its interval";

    /// A time that must be longer than nothing is not.
    ZERO_TIME = "SW408", Error, "no time at all";

    /// The chain of services that wait for each other may take longer than the whole deployment.
    DEPLOYMENT_TOO_SHORT = "SW409", Warning, "deployment time-out shorter than its longest chain";

    /// `memory_high` lies above `memory`, so the service is ended before it is slowed down.
    MEMORY_HIGH = "SW410", Error, "memory_high above memory";

    /// The services of a stack may use more memory than it shares out.
    MEMORY_BUDGET = "SW411", Warning, "memory over the budget";

    /// `memory_reservation` lies above `memory`.
    MEMORY_RESERVATION = "SW412", Error, "memory_reservation above memory";

    /// The budget of a stack is given twice and differs.
    TWO_BUDGETS = "SW413", Error, "two budgets";

    /// A service may be given less time to be healthy than its health check can need.
    READY_TOO_SHORT = "SW414", Hint, "ready time-out shorter than the health check";

    /// An unhealthy container is stopped, and by its restart policy not started again.
    ///
    /// A container that ends when it is told to has not failed, so `on-failure` leaves it down.
    /// Write `restart: always`, or `on_failure: kill`.
    UNHEALTHY_STAYS_DOWN = "SW415", Warning, "unhealthy and not started again";

    /// A ready criterion asks for a page by another protocol than HTTP.
    ///
    /// The page is asked for from inside the container's own network, where there is nothing to be
    /// kept secret from; ask for it by `http://`, or let a `tcp` criterion look at the port.
    NOT_BY_HTTP = "SW416", Error, "page that cannot be asked for";

    /// A service has neither an image nor a build.
    ///
    /// It can be ordered and drawn, but no units can be made for it. Patterns give defaults for
    /// how a service runs; what runs is for the stack to say.
    NO_IMAGE = "SW420", Warning, "no image";


    /// An image without a tag or a digest means `latest`, whatever that is at the time.
    NO_TAG = "SW422", Hint, "image without a tag";

    /// The tag `latest` means another image every few weeks, also after a rollback.
    LATEST = "SW423", Hint, "image tagged latest";

    /// An image without a registry means a search over whatever registries the machine lists.
    ///
    /// Write the registry: `docker.io/library/redis:7` for `redis:7`.
    SHORT_NAME = "SW424", Warning, "image without a registry";

    /// An image that is pinned by digest never changes, so there is nothing to update.
    PINNED_UPDATE = "SW425", Warning, "auto-update of a pinned image";

    /// A job that is started again whenever it ends would never end.
    JOB_RESTARTS = "SW426", Error, "job that restarts for ever";
}
