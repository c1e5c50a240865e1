"""Work that runs on AWS: started, waited for, cancelled, all in one shape.

Each kind of job has four tasks, ``SERVICE_start_THING``, ``SERVICE_wait_THING``,
``SERVICE_cancel_THING`` and ``SERVICE_run_THING``, which starts and waits.
"""
