"""The WorkerService, put together from its RPCs."""

from contextcore import worker_pb2_grpc
from contextworker.gateway.modules.listing import ModuleLister
from contextworker.gateway.rpcs.code import CodeRpcs
from contextworker.gateway.rpcs.modules import ModuleRpcs
from contextworker.gateway.rpcs.schedules import ScheduleRpcs
from contextworker.gateway.rpcs.tasks import TaskRpcs
from contextworker.gateway.runs.executing import Executor
from contextworker.gateway.runs.tasks import Tasks
from contextworker.gateway.schedules.setup import Schedules


class WorkerServicer(
    TaskRpcs, CodeRpcs, ModuleRpcs, ScheduleRpcs, worker_pb2_grpc.WorkerServiceServicer
):
    """Every RPC of the service; what they raise, the interceptor maps."""

    def __init__(
        self,
        tasks: Tasks,
        executor: Executor,
        modules: ModuleLister,
        schedules: Schedules,
    ) -> None:
        TaskRpcs.__init__(self, tasks)
        CodeRpcs.__init__(self, executor)
        ModuleRpcs.__init__(self, modules)
        ScheduleRpcs.__init__(self, schedules)
