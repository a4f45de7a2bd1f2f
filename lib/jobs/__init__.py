"""Long work: jobs in the database, a worker that starts each in a process of its own, and what that process is given.

queue      what there is to do: submit, look, stop, put in another order
view       what screens and commands see of a job
claims     the atomic steps by which workers take jobs, and processes say that they live and how they ended
lanes      what may run beside what, and which device a job is to use
memory     whether the machine ran out of memory
processes  whether a process lives, and the end of what it left behind
launcher   how a job becomes a process
worker     the process that takes jobs
context    what a job's function is given
run        one job, in its process
"""
