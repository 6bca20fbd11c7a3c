//! Codes for dependencies, order and phases.

use super::codes;

codes! {
    /// A service needs a service that is not in the stack.
    ///
    /// `dependencies` names other services of the same stack. A service of another stack is
    /// named as a whole stack in `stack.requires`; a unit outside of all stacks is named in
    /// `configuration.systemd.after` and `wants`.
    UNKNOWN_DEPENDENCY = "SW201", Error, "dependency on nothing";

    /// A service needs itself.
    SELF_DEPENDENCY = "SW202", Error, "dependency on itself";

    /// Services need each other in a circle, so none of them can be the first.
    ///
    /// The circle is printed as `a -> b -> a`, where each needs the next, with the line of every
    /// step. Take one of the steps away, or start one of the two without the other and let it try
    /// again until it can connect.
    CYCLE = "SW203", Error, "circular dependency";

    /// A service names the same dependency twice.
    REPEATED_DEPENDENCY = "SW204", Warning, "dependency named twice";

    /// A service waits for the health of one that says nothing about its health.
    ///
    /// Without a health check, healthy would never come. Give the other service a `health_check`,
    /// or wait for `started`.
    NO_HEALTH_TO_WAIT_FOR = "SW205", Error, "no health check to wait for";

    /// A service waits for the end of one that is meant to run on.
    ///
    /// `completed` waits until a job has ended well. Say `oneshot: true` for the job.
    NEVER_COMPLETES = "SW206", Error, "waits for the end of a service that runs on";

    /// A service waits for a job to be healthy; a job ends, and has no health then.
    JOB_WITHOUT_HEALTH = "SW207", Error, "waits for the health of a job";

    /// A service waits for the health of one that tells systemd earlier that it is up.
    ///
    /// `systemd.notify` decides what its dependents wait for. Take it away, or write `healthy`.
    NOTIFIES_EARLIER = "SW208", Error, "tells too early that it is up";

    /// `deployment.phases` puts a service before one that it needs, or beside it.
    ///
    /// Phases follow from the dependencies and need not be written. Where they are, they must
    /// agree: what a service needs stands in an earlier phase.
    PHASE_ORDER = "SW210", Error, "phases contradict the dependencies";

    /// `deployment.phases` names a service that is not in the stack.
    PHASE_UNKNOWN_SERVICE = "SW211", Error, "phase names no service";

    /// `deployment.phases` names a service in more than one place.
    PHASE_REPEATS = "SW212", Error, "service in two phases";

    /// `deployment.phases` leaves a service out.
    PHASE_MISSES = "SW213", Error, "service in no phase";

    /// The numbers of `deployment.phases` do not count up from one.
    PHASE_NUMBERS = "SW214", Warning, "phases out of count";

    /// `rollback.steps` names a service that is not in the stack.
    ROLLBACK_UNKNOWN_SERVICE = "SW215", Error, "rollback names no service";

    /// A stack requires itself, or stacks require each other in a circle.
    STACK_CYCLE = "SW216", Error, "stacks require each other";

    /// A stack requires one that is not among the stacks that are checked together.
    ///
    /// It may still be on the machine; it is only told where a whole folder is checked.
    UNKNOWN_STACK = "SW217", Warning, "required stack is not here";

    /// A stack requires one that is marked `deployed: false`.
    ///
    /// `reconcile` removes a stack that is marked so, and what requires it could not come up.
    REQUIRED_STACK_ABSENT = "SW218", Error, "required stack is not to be there";
}
